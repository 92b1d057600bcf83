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
import { cover } from "./common/cover";
import { styled } from "./common/styled";

interface Model {
  report: unknown;
  options: unknown;
  asked: Asked;
  answer: unknown;
  looked: string | null;
  picture: unknown;
  code: CodeText | null;
}

const HEARD = ["asked", "answer", "looked", "picture", "code"] as const;

function stateOf(model: AnyModel<Model>): CompressionState {
  return {
    asked: model.get("asked"),
    answer: readAnswer(model.get("answer")),
    looked: model.get("looked"),
    picture: readPicture(model.get("picture")),
    code: model.get("code"),
  };
}

interface Drawn {
  redraw(): void;
  dispose(): void;
}

/** Draws the switches; of a past run, which has no model to choose for, the analysis. */
function drawn(el: HTMLElement, model: AnyModel<Model>): Drawn | null {
  const options = readChoices(model.get("options"));
  if (options === null) {
    const view = reportView(el, model.get("report"));
    return view && { redraw: () => view.update(model.get("report")), dispose: () => view.dispose() };
  }
  const view = compressionView(el, options, stateOf(model), {
    ask(engine, choices) {
      model.set("asked", { number: model.get("asked").number + 1, engine, choices });
      model.save_changes();
    },
    look(path) {
      model.set("looked", path);
      model.save_changes();
    },
    stop: () => model.send({ kind: "stop" }),
  });
  return { redraw: () => view.update(stateOf(model)), dispose: () => view.dispose() };
}

const render: Render<Model> = ({ model, el }) => {
  styled(el);
  const view = drawn(el, model);
  if (view === null) return undefined; // the static report stays what is seen
  let uncover = () => {};
  // the element is placed on the page only after this function has returned
  const placed = requestAnimationFrame(() => {
    uncover = cover(el);
  });
  for (const name of HEARD) model.on(`change:${name}`, view.redraw);
  return () => {
    cancelAnimationFrame(placed);
    for (const name of HEARD) model.off(`change:${name}`, view.redraw);
    uncover();
    view.dispose();
  };
};

export default { render };
