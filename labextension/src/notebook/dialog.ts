/** The dialog of a magic: its options as fields, the line they make, and what inserts and runs it. */

import { Dialog, showDialog } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import { element } from "@tauto/drawing";
import { type Field, label, magicLine, wanting } from "./line";

/** A model of the kernel, as `tauto_magics.lab.form` tells it. */
export interface Model {
  name: string;
  class: string;
  parameters: number | null;
  /** Whether the inputs that it was called with are known. */
  called: boolean;
}

/** What a dialog is made of. */
export interface Form {
  loaded: boolean;
  summary: string;
  models: Model[];
  fields: Field[];
}

/** Options that stand open; all others are behind “More options”. */
const FIRST: Record<string, string[]> = {
  tauto_quantize: [
    "model",
    "--method",
    "--inputs",
    "--evaluate",
    "--data",
    "--max-drop",
    "--budget",
    "--into",
  ],
  tauto_autotune: [
    "model",
    "--objective",
    "--inputs",
    "--evaluate",
    "--data",
    "--max-drop",
    "--budget",
    "--into",
  ],
};

let numbered = 0;

/** The fields of a magic, and below them the line that they make. */
export class MagicForm extends Widget implements Dialog.IBodyWidget<string> {
  constructor(
    private readonly magic: string,
    private readonly form: Form,
  ) {
    super({ node: element("div", { class: "tauto tauto-form" }) });
    const first = FIRST[magic] ?? [];
    const open = first.flatMap((key) => form.fields.filter((field) => field.key === key));
    const others = form.fields.filter((field) => !first.includes(field.key));
    this.node.append(
      element("p", {}, form.summary),
      element("div", { class: "tauto-form-line" }, this.line, this.hint),
      ...open.map((field) => this.row(field)),
      element(
        "details",
        {},
        element("summary", {}, "More options"),
        ...others.map((field) => this.row(field)),
      ),
    );
    this.node.addEventListener("input", () => this.refresh());
    this.refresh();
  }

  /** The line that is inserted; empty while something is wanting. */
  getValue(): string {
    return wanting(this.form.fields, this.filled) ? "" : this.line.textContent;
  }

  private readonly filled = new Map<string, string | boolean>();
  private readonly controls = new Map<string, HTMLInputElement | HTMLSelectElement>();
  private readonly line = element("output", {
    class: "tauto-line",
    "aria-label": "The line that is inserted",
  });
  private readonly hint = element("p", { class: "tauto-form-hint", role: "status" });

  private row(field: Field): HTMLElement {
    numbered += 1;
    const id = `tauto-field-${numbered}`;
    const control = this.control(field);
    control.id = id;
    control.setAttribute("aria-describedby", `${id}-help`);
    this.controls.set(field.key, control);
    const list =
      control instanceof HTMLInputElement && field.choices.length ? suggestions(control, field, id) : null;
    return element(
      "div",
      { class: "tauto-field" },
      element("label", { for: id }, label(field)),
      control,
      list,
      element("span", { class: "tauto-help", id: `${id}-help` }, field.help),
    );
  }

  private control(field: Field): HTMLInputElement | HTMLSelectElement {
    if (field.asks === "switch") return element("input", { type: "checkbox" });
    if (field.asks === "text")
      return element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    const models =
      field.asks === "model" ? this.form.models.map((model) => [model.name, told(model)] as const) : [];
    const choices =
      field.asks === "model" ? models : field.choices.map((choice) => [choice, choice] as const);
    const left = field.asks === "model" ? "(the one last profiled)" : "(default)";
    const none = field.needed ? [] : [element("option", { value: "" }, left)];
    return element(
      "select",
      {},
      ...none,
      ...choices.map(([value, text]) => element("option", { value }, text)),
    );
  }

  private refresh(): void {
    for (const [key, control] of this.controls) {
      const box = control instanceof HTMLInputElement && control.type === "checkbox";
      this.filled.set(key, box ? (control as HTMLInputElement).checked : control.value);
    }
    this.line.textContent = magicLine(this.magic, this.form.fields, this.filled);
    const model = this.form.models.find(({ name }) => name === this.filled.get("model"));
    const unknown = model && !model.called && !this.filled.get("--inputs");
    this.hint.textContent =
      wanting(this.form.fields, this.filled) ||
      (unknown
        ? `${model.name} was not profiled yet, so its inputs are not known: name them under Inputs.`
        : "");
  }
}

function suggestions(control: HTMLInputElement, field: Field, id: string): HTMLDataListElement {
  control.setAttribute("list", `${id}-list`);
  return element(
    "datalist",
    { id: `${id}-list` },
    ...field.choices.map((value) => element("option", { value })),
  );
}

function told(model: Model): string {
  const size = model.parameters === null ? "" : `, ${model.parameters.toLocaleString("en-US")} parameters`;
  return `${model.name} (${model.class}${size})`;
}

/** Shows the dialog, and returns the line with whether it is to be run; null when it was left. */
export async function askForLine(
  magic: string,
  title: string,
  form: Form,
): Promise<{ line: string; run: boolean } | null> {
  const { button, value } = await showDialog({
    title,
    body: new MagicForm(magic, form),
    buttons: [
      Dialog.cancelButton(),
      Dialog.createButton({
        label: "Insert",
        caption: "Insert the line below, without running it",
        actions: ["insert"],
      }),
      Dialog.okButton({ label: "Insert and run" }),
    ],
    focusNodeSelector: ".tauto-field select, .tauto-field input",
  });
  return button.accept && value ? { line: value, run: !button.actions.includes("insert") } : null;
}
