// @vitest-environment jsdom
import { expect, test } from "vitest";
import { keepKeys } from "../src/views/keys";

test("plain keys stay within a report, and those of the notebook reach it", () => {
  const host = document.createElement("div");
  const button = document.createElement("button");
  host.append(button);
  document.body.append(host);
  keepKeys(host);
  const heard: string[] = [];
  document.addEventListener("keydown", (event) => heard.push(event.key));
  for (const given of [
    { key: "a" },
    { key: "ArrowDown" },
    { key: "Enter" },
    { key: "s", ctrlKey: true },
    { key: "Enter", shiftKey: true },
  ]) {
    button.dispatchEvent(new KeyboardEvent("keydown", { ...given, bubbles: true }));
  }
  expect(heard).toEqual(["s", "Enter"]);
});
