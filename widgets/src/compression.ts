import type { AnyModel, Render } from "@anywidget/types";
import {
  type Asked,
  type CodeText,
  type CompressionState,
  compressionView,
  readAnswer,
  readChoices,
  readPicture,
  reportView,
} from "@tauto/drawing";
import { kernelOf, type PanelModel, panel } from "./common/panel";

interface Model extends PanelModel {
  options: unknown;
  asked: Asked;
  answer: unknown;
  looked: string | null;
  picture: unknown;
  code: CodeText | null;
}

const HEARD = ["asked", "answer", "looked", "picture", "code"] as const;

const stateOf = (model: AnyModel<Model>, lost: string): CompressionState => ({
  asked: model.get("asked"),
  answer: readAnswer(model.get("answer")),
  looked: model.get("looked"),
  picture: readPicture(model.get("picture")),
  code: model.get("code"),
  lost,
});

const render: Render<Model> = ({ model, el }) =>
  panel(model, el, (host) => {
    const options = readChoices(model.get("options"));
    // a past run has no model to choose for: the analysis alone
    if (options === null) return reportView(host, model.get("report"));
    const kernel = kernelOf(model, el);
    const { lost } = kernel;
    const view = compressionView(host, options, stateOf(model, lost.value), {
      ask(engine, choices) {
        const asked = { number: model.get("asked").number + 1, engine, choices };
        model.set("asked", asked);
        model.save_changes();
        return asked;
      },
      look(path) {
        model.set("looked", path);
        model.save_changes();
      },
      stop: () => kernel.send({ kind: "stop" }),
    });
    const redraw = () => {
      const state = stateOf(model, lost.value);
      kernel.expectSigns(state.answer?.state === "running");
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
