import { element, unique } from "../dom";

/** A control with its label before it; the label is the words alone, not what a list offers. */
export function labelled(words: string, control: HTMLElement): HTMLElement {
  control.id = unique("control");
  return element(
    "span",
    { class: "tauto-labelled" },
    element("label", { for: control.id }, words),
    " ",
    control,
  );
}
