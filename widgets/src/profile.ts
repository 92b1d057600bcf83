import type { Render } from "@anywidget/types";
import { NO_TRIAL, profileView, readProfile, store, type Trial } from "@tauto/drawing";
import { kernelLost, type PanelModel, panel, trait } from "./common/panel";

interface Model extends PanelModel {
  trial: Trial;
  hindrance: string;
}

const render: Render<Model> = ({ model, el }) =>
  panel(model, el, (host) => {
    const { report } = readProfile(model.get("report"));
    if (report === undefined) return null;
    const told = trait(model, "trial");
    const lost = kernelLost(model);
    const trial = store(told.value);
    told.listen(trial.set);
    const hindrance = store(lost.value || model.get("hindrance"));
    lost.listen((words) => {
      hindrance.set(words);
      // nobody is left who could end it
      if (trial.value.state !== "none") trial.set({ ...trial.value, state: "ended", words });
    });
    const view = profileView(host, report, {
      trying: {
        trial,
        hindrance,
        start(finding) {
          // at once, so that a second press does nothing; the kernel answers when it is free
          trial.set({ ...NO_TRIAL, finding, state: "waiting", words: "waiting for the kernel" });
          model.send({ do: "try", finding });
        },
        stop: () => model.send({ do: "stop" }),
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
        lost.dispose();
        view.dispose();
      },
    };
  });

export default { render };
