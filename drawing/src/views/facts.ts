import { element } from "../dom";

/** Names and their values. */
export function factsView(host: HTMLElement, facts: readonly (readonly [string, string])[]): void {
  const list = facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  host.append(element("dl", { class: "tauto-facts" }, ...list));
}
