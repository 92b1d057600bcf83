import style from "@tauto/drawing/style.css";

/** Puts the style of all drawing into the page that holds `element`, once. */
export function styled(element: HTMLElement): void {
  const root = element.getRootNode();
  const page = root instanceof ShadowRoot ? root : document.head;
  if (page.querySelector("style[data-tauto]")) return;
  const sheet = document.createElement("style");
  sheet.dataset.tauto = "";
  sheet.textContent = style;
  page.append(sheet);
}
