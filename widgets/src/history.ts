import type { AnyModel, Render } from "@anywidget/types";
import { type History, historyView, readHistory, readRuns, reportView } from "@tauto/drawing";
import { kernelOf, type PanelModel, panel } from "./common/panel";

type Model = PanelModel & Omit<History, "lost">;

const HEARD = ["opened", "compared", "trouble", "choices", "applied"] as const;

function stateOf(model: AnyModel<Model>, lost: string, before?: History): History {
  const told = readHistory(Object.fromEntries(HEARD.map((name) => [name, model.get(name)])));
  // runs that stay open are not drawn anew
  const opened = before && same(told.opened, before.opened) ? before.opened : told.opened;
  return { ...told, opened, lost };
}

const same = (one: History["opened"], other: History["opened"]): boolean =>
  one.length === other.length && one.every((run, index) => run.number === other[index]?.number);

const render: Render<Model> = ({ model, el }) =>
  panel(model, el, (host) => {
    const { report } = readRuns(model.get("report"));
    if (report === undefined) return null;
    const kernel = kernelOf(model, el);
    const { lost } = kernel;
    let state = stateOf(model, lost.value);
    const view = historyView(host, report, state, {
      open: (numbers) => kernel.send({ kind: "open", numbers }),
      close: () => kernel.send({ kind: "close" }),
      apply: (what) => kernel.send({ kind: "apply", ...what }),
      draw: (room, json) => reportView(room, json),
    });
    const redraw = () => {
      state = stateOf(model, lost.value, state);
      kernel.expectSigns(state.applied?.state === "running");
      view.update(state);
    };
    for (const name of HEARD) model.on(`change:${name}`, redraw);
    lost.listen(redraw);
    return {
      dispose() {
        for (const name of HEARD) model.off(`change:${name}`, redraw);
        kernel.dispose();
        view.dispose();
      },
    };
  });

export default { render };
