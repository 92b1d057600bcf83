import { element } from "../dom";
import type { View } from "../view";

/** The same by hand: lines for a cell, and a script that needs no TAuto. */
export interface CodeText {
  lines: string;
  /** Null where there are lines alone. */
  script: string | null;
}

/** Code to take away, as text, with buttons that copy it. */
export function codeView(host: HTMLElement, data: CodeText | null): View<CodeText | null> {
  let code = data;
  const text = element("pre", { tabindex: 0, "aria-label": "The lines" });
  const told = element("span", { role: "status", class: "tauto-soft" });
  const whole = button("Copy the whole script", () => code?.script);
  const root = element(
    "details",
    { class: "tauto-code" },
    element("summary", {}, "Copy as code"),
    element(
      "p",
      { class: "tauto-controls" },
      button("Copy the lines", () => code?.lines),
      " ",
      whole,
      " ",
      told,
    ),
    text,
  );
  host.append(root);

  function button(words: string, content: () => string | null | undefined): HTMLElement {
    const made = element("button", { type: "button", class: "tauto-button" }, words);
    made.addEventListener("click", async () => {
      const copied = await copy(content() ?? "", made);
      told.textContent = copied ? "Copied." : "The browser does not let it be copied: select the text below.";
      if (!copied) text.textContent = content() ?? "";
    });
    return made;
  }

  function update(next: CodeText | null): void {
    if (next?.lines !== code?.lines) told.textContent = "";
    code = next;
    root.hidden = code === null;
    whole.hidden = !code?.script;
    text.textContent = code?.lines ?? "";
  }

  update(data);
  return { update, dispose: () => root.remove() };
}

/** Copies by the clipboard, else by the way that pages without leave for it have. */
async function copy(words: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const area = element("textarea", { "aria-hidden": "true", tabindex: -1 });
    area.value = words;
    near.after(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    near.focus();
    return copied;
  }
}
