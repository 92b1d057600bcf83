/** Elements made from data: everything of the user's goes in as text, never as markup. */

type Child = Node | string | null | undefined;
type Attributes = Record<string, string | number | boolean | null | undefined>;

const SVG = "http://www.w3.org/2000/svg";

/** Returns an HTML element; an attribute that is `true` stands alone, one that is false or not there is left out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** Returns an SVG element. */
export function drawn<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS(SVG, tag) as SVGElementTagNameMap[Tag], attributes, children);
}

function filled<Made extends Element>(made: Made, attributes: Attributes, children: Child[]): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  // strings are appended as text nodes
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return made;
}

// each front end is a bundle of its own, so two of them on one page count apart
const apart = Math.random().toString(36).slice(2, 10);
let numbered = 0;

/** Returns an identifier that no other element of the page has, for labels: two panels may stand on one page. */
export function unique(stem: string): string {
  numbered += 1;
  return `tauto-${stem}-${apart}-${numbered}`;
}
