import { element } from "@tauto/drawing";

let numbered = 0;

/** A part of the side panel, under its heading. */
export function section(title: string, ...children: Node[]): HTMLElement {
  numbered += 1;
  const id = `tauto-section-${numbered}`;
  return element("section", { "aria-labelledby": id }, element("h2", { id }, title), ...children);
}

/** A button that says what it does. */
export function button(
  text: string,
  act: () => void,
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  const made = element(
    "button",
    { type: "button", class: "jp-mod-styled jp-mod-minimal", ...attributes },
    text,
  );
  made.addEventListener("click", act);
  return made;
}
