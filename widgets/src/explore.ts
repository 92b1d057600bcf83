import type { Render } from "@anywidget/types";
import { element, explorationView, keepKeys, readExploration, type Setting } from "@tauto/drawing";
import { cover } from "./common/cover";
import { Reaching } from "./common/reach";
import { styled } from "./common/styled";
import { copied } from "./common/taking";

interface Model extends Record<string, unknown> {
  report: unknown;
  token: string;
  waiting: Setting[];
  progress: { message?: string };
  trouble: string;
}

const render: Render<Model> = ({ model, el }) => {
  styled(el);
  keepKeys(el);
  const { report } = readExploration(model.get("report"));
  if (report === undefined) return undefined; // the static report stays what is seen
  const reaching = new Reaching(model, el, () => draw());
  const status = element("p", { class: "tauto-hint", role: "status" });
  const cancel = element("button", { type: "button", class: "tauto-button" }, "Cancel");
  const copy = element("button", { type: "button", class: "tauto-button" }, "Copy as code");
  const code = element("pre", { tabindex: 0, "aria-label": "The setting as code", hidden: true });
  let setting: Setting = Object.fromEntries(report.knobs.map((knob) => [knob.name, knob.given]));

  const view = explorationView(
    el,
    { report, waiting: model.get("waiting") },
    {
      measure: (settings) => reaching.say({ kind: "measure", settings }),
      turned(now) {
        setting = now;
        code.hidden = true;
      },
      below: (place) => place.append(element("div", { class: "tauto-use" }, copy, cancel), status, code),
    },
  );

  copy.addEventListener("click", () => reaching.say({ kind: "code", setting }));
  cancel.addEventListener("click", () => reaching.say({ kind: "cancel" }));

  async function heard(message: { kind?: string; code?: string; trouble?: string }): Promise<void> {
    if (message.kind !== "code") return;
    code.textContent = message.code ?? message.trouble ?? "";
    code.hidden = false;
    if (message.code !== undefined) {
      copy.textContent = (await copied(code)) ? "Copied" : "Selected: press Ctrl+C";
      setTimeout(() => {
        copy.textContent = "Copy as code";
      }, 3000);
    }
  }

  function draw(): void {
    const waiting = model.get("waiting");
    const left = waiting.length - 1;
    cancel.hidden = waiting.length === 0;
    status.textContent =
      reaching.now === "gone"
        ? "The kernel does not answer any more. What was measured stays; run the cell again to measure more."
        : waiting.length
          ? [model.get("progress").message ?? "starting", left ? `${left} more wait` : ""]
              .filter(Boolean)
              .join(" · ")
          : model.get("trouble");
    const now = readExploration(model.get("report")).report;
    if (now !== undefined) view.update({ report: now, waiting });
  }

  // biome-ignore lint/suspicious/noExplicitAny: the types of the model's events name none of ours
  const events = model as any;
  events.on("msg:custom", heard);
  const traits = ["report", "waiting", "progress", "trouble"];
  for (const trait of traits) events.on(`change:${trait}`, draw);
  const uncover = cover(model.get("token"));
  draw();
  return () => {
    events.off("msg:custom", heard);
    for (const trait of traits) events.off(`change:${trait}`, draw);
    uncover();
    reaching.dispose();
    view.dispose();
  };
};

export default { render };
