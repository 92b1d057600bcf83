import type { Render } from "@anywidget/types";
import { reportView } from "@tauto/drawing";
import { cover } from "./common/cover";
import { styled } from "./common/styled";

interface Model {
  report: unknown;
}

const render: Render<Model> = ({ model, el }) => {
  styled(el);
  const view = reportView(el, model.get("report"));
  if (view === null) return undefined; // the static report stays what is seen
  let uncover = () => {};
  // the element is placed on the page only after this function has returned
  const placed = requestAnimationFrame(() => {
    uncover = cover(el);
  });
  const redraw = () => view.update(model.get("report"));
  model.on("change:report", redraw);
  return () => {
    cancelAnimationFrame(placed);
    model.off("change:report", redraw);
    uncover();
    view.dispose();
  };
};

export default { render };
