import { element } from "../dom";

/** Names what colours stand for; the words alone say it all. */
export function legend(
  host: HTMLElement,
  entries: readonly (readonly [string, string])[],
  label: string,
): void {
  const items = entries.map(([colour, words]) =>
    element("li", {}, element("span", { class: `tauto-key tauto-${colour}` }), words),
  );
  host.append(element("ul", { class: "tauto-legend", "aria-label": label }, ...items));
}

/** What binds a module. */
export function boundLegend(host: HTMLElement): void {
  const entries = [
    ["compute", "bound by compute"],
    ["memory", "by memory"],
    ["overhead", "by overhead"],
    ["unknown", "not known"],
  ] as const;
  legend(host, entries, "What the colours stand for");
}
