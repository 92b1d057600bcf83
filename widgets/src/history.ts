import type { AnyModel, Render } from "@anywidget/types";
import { type History, historyView, readHistory, readRuns, reportView } from "@tauto/drawing";
import { cover } from "./common/cover";
import { styled } from "./common/styled";

interface Model extends History {
  report: unknown;
}

const HEARD = ["opened", "compared", "trouble", "choices", "applied"] as const;

function stateOf(model: AnyModel<Model>, before?: History): History {
  const next = readHistory(Object.fromEntries(HEARD.map((name) => [name, model.get(name)])));
  // runs that stay open are not drawn anew
  return before && same(next.opened, before.opened) ? { ...next, opened: before.opened } : next;
}

const same = (one: History["opened"], other: History["opened"]): boolean =>
  one.length === other.length && one.every((run, index) => run.number === other[index]?.number);

const render: Render<Model> = ({ model, el }) => {
  const { report } = readRuns(model.get("report"));
  if (report === undefined) return undefined; // the static report stays what is seen
  styled(el);
  let state = stateOf(model);
  const view = historyView(el, report, state, {
    open: (numbers) => model.send({ kind: "open", numbers }),
    close: () => model.send({ kind: "close" }),
    apply: (what) => model.send({ kind: "apply", ...what }),
    draw: (host, json) => reportView(host, json),
  });
  let uncover = () => {};
  // the element is placed on the page only after this function has returned
  const placed = requestAnimationFrame(() => {
    uncover = cover(el);
  });
  const redraw = () => {
    state = stateOf(model, state);
    view.update(state);
  };
  for (const name of HEARD) model.on(`change:${name}`, redraw);
  return () => {
    cancelAnimationFrame(placed);
    for (const name of HEARD) model.off(`change:${name}`, redraw);
    uncover();
    view.dispose();
  };
};

export default { render };
