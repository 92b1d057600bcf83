import type { Render } from "@anywidget/types";
import { comparisonView, element, layersView, readComparison, readLayers, type View } from "@tauto/drawing";
import { kernelOf, type PanelModel, panel, trait } from "./common/panel";

/** What the kernel says of the comparison layer by layer. */
interface Layers {
  /** `none`: it cannot be made; `offered`, `busy`, `made`, or `failed` for the reason in `words`. */
  state: "none" | "offered" | "busy" | "made" | "failed";
  words: string;
  report: unknown;
}

interface Model extends PanelModel {
  layers: Layers;
}

const render: Render<Model> = ({ model, el }) =>
  panel(model, el, (host) => {
    const json = model.get("report");
    const { report } = readComparison(json);
    if (report === undefined) {
      const alone = readLayers(json).report;
      return alone === undefined ? null : layersView(host, alone);
    }
    const view = comparisonView(host, report);
    const below = element("section", { class: "tauto", role: "group", "aria-label": "Layer by layer" });
    host.append(below);
    const layers = trait(model, "layers");
    const kernel = kernelOf(model, el);
    let drawn: View | null = null;

    const button = element(
      "button",
      { type: "button", class: "tauto-button tauto-main" },
      "Compare layer by layer",
    );
    const status = element("span", { role: "status" });
    const controls = element("div", { class: "tauto-controls" }, button, status);
    below.append(controls);
    button.addEventListener("click", () => {
      button.disabled = true; // pressed twice, it acts once
      status.textContent = "waiting for the kernel";
      kernel.expectSigns(true); // a kernel that was restarted does not answer
      kernel.send({ do: "layers" });
    });

    function refresh(): void {
      const { state, words, report: json } = layers.value;
      button.disabled = state === "busy" || kernel.lost.value !== "";
      status.textContent = kernel.lost.value || words;
      controls.hidden = state === "none" || state === "made";
      if (state !== "made" || drawn !== null) return;
      const { report: compared, refused } = readLayers(json);
      if (compared) drawn = layersView(below, compared);
      else below.append(element("p", {}, refused));
    }

    layers.listen(({ state }) => {
      kernel.expectSigns(state === "busy");
      refresh();
    });
    kernel.lost.listen(refresh);
    refresh();
    return {
      dispose() {
        drawn?.dispose();
        layers.dispose();
        kernel.dispose();
        view.dispose();
      },
    };
  });

export default { render };
