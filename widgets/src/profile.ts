import type { Render } from "@anywidget/types";
import { NO_TRIAL, profileView, readProfile, store, type Trial } from "@tauto/drawing";
import { kernelOf, type PanelModel, panel, trait } from "./common/panel";

interface Model extends PanelModel {
  trial: Trial;
  hindrance: string;
}

const WAITING = "waiting for the kernel: it answers when its cell has ended";

const render: Render<Model> = ({ model, el }) =>
  panel(model, el, (host) => {
    const { report } = readProfile(model.get("report"));
    if (report === undefined) return null;
    const kernel = kernelOf(model, el);
    const told = trait(model, "trial");
    const trial = store(told.value);
    const hindrance = store("");

    function take(next: Trial): void {
      trial.set(next);
      kernel.expectSigns(next.state === "running" || next.state === "waiting");
    }
    told.listen(take);
    take(told.value);
    hindrance.set(model.get("hindrance"));
    kernel.lost.listen((words) => {
      hindrance.set(words || model.get("hindrance"));
      // nobody is left who could end it; should the kernel be heard again, it tells where it is
      trial.set(
        words && trial.value.state !== "none" ? { ...trial.value, state: "ended", words } : told.value,
      );
    });

    const view = profileView(host, report, {
      trying: {
        trial,
        hindrance,
        start(finding) {
          // at once, so that a second press does nothing
          trial.set({ ...NO_TRIAL, finding, state: "waiting", words: WAITING });
          kernel.expectSigns(true); // a kernel that was restarted does not answer
          kernel.send({ do: "try", finding });
        },
        stop: () => kernel.send({ do: "stop" }),
      },
    });
    const redraw = () => {
      const next = readProfile(model.get("report")).report;
      if (next !== undefined) view.update(next);
    };
    model.on("change:report", redraw);
    return {
      dispose() {
        model.off("change:report", redraw);
        told.dispose();
        kernel.dispose();
        view.dispose();
      },
    };
  });

export default { render };
