import { element, unique } from "../dom";

/** One tab: what it is called, and what draws its page when it is first opened. */
export interface Tab {
  title: string;
  draw(page: HTMLElement): void;
}

/** Pages one behind the other; arrow keys move between their tabs. */
export function tabs(host: HTMLElement, label: string, all: Tab[]): void {
  const list = element("div", { class: "tauto-tabs", role: "tablist", "aria-label": label });
  const made = all.map((tab) => {
    const [id, page] = [unique("tab"), unique("page")];
    const button = element("button", { type: "button", role: "tab", id, "aria-controls": page }, tab.title);
    const panel = element("div", { role: "tabpanel", id: page, "aria-labelledby": id, class: "tauto-page" });
    list.append(button);
    return { tab, button, panel, drawn: false };
  });
  host.append(list, ...made.map(({ panel }) => panel));

  function open(index: number): void {
    made.forEach((one, other) => {
      const chosen = other === index;
      one.button.setAttribute("aria-selected", String(chosen));
      one.button.tabIndex = chosen ? 0 : -1;
      one.panel.hidden = !chosen;
    });
    const one = made[index];
    if (one && !one.drawn) {
      one.drawn = true;
      one.tab.draw(one.panel);
    }
  }

  made.forEach(({ button }, index) => {
    button.addEventListener("click", () => open(index));
  });
  list.addEventListener("keydown", (event) => {
    const now = made.findIndex(({ button }) => button === event.target);
    const last = made.length - 1;
    const to = {
      ArrowRight: now === last ? 0 : now + 1,
      ArrowLeft: now === 0 ? last : now - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    open(to);
    made[to]?.button.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  open(0);
}
