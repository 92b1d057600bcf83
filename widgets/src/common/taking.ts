import { element, type Selection } from "@tauto/drawing";

export interface Use {
  number?: number;
  name?: string;
  state?: "refused" | "working" | "done" | "failed";
  taken?: boolean;
  message?: string;
  done?: number | null;
  seconds_left?: number | null;
}

export interface Chosen {
  number: number;
  recipe?: string;
  script?: string;
  trouble?: string;
}

/** The recipe and the script of the picked trial, and what puts it in the namespace under a name. */
export function takingView(
  host: HTMLElement,
  selection: Selection,
  say: (content: Record<string, unknown>) => boolean,
  usual: string,
) {
  const input = element("input", {
    type: "text",
    value: usual,
    size: 14,
    autocomplete: "off",
    spellcheck: "false",
  });
  const use = element("button", { type: "submit", class: "tauto-button tauto-primary" }, "Use this one");
  const cancel = element("button", { type: "button", class: "tauto-button", hidden: true }, "Cancel");
  const status = element("p", { class: "tauto-hint", role: "status" });
  const form = element("form", { class: "tauto-use" }, use, element("label", {}, "as ", input), cancel);
  const recipe = listing(usual === "params" ? "Values" : "Recipe");
  const script = listing("Plain Python script");
  host.append(form, status, recipe.root, script.root);
  let ended = false;
  let told: Use = {};
  let pressed = false;
  let shown: number | null = null;

  function draw(): void {
    const mine = told.number === selection.picked ? told : {};
    const working = told.state === "working";
    use.disabled = !ended || working || pressed;
    cancel.hidden = !working;
    use.textContent =
      mine.state === "refused" && mine.taken && mine.name === input.value.trim() ? "Replace" : "Use this one";
    const elsewhere = working && told.number !== selection.picked ? `Trial ${told.number}: ` : "";
    status.textContent = !ended
      ? "It can be used once the search has ended."
      : working
        ? `${elsewhere}${told.message ?? "at work"}`
        : (mine.message ?? "");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (use.disabled || selection.picked === null) return;
    pressed = true; // twice is once, until the kernel has answered
    const over = use.textContent === "Replace";
    if (!say({ kind: "use", number: selection.picked, name: input.value, over })) {
      pressed = false;
      status.textContent = "The kernel does not answer, so nothing was written.";
      return;
    }
    draw();
  });
  // JupyterLab keeps the key's own effect from what is in a notebook
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    form.requestSubmit();
  });
  cancel.addEventListener("click", () => say({ kind: "cancel" }));
  input.addEventListener("input", draw);

  function ask(): void {
    if (selection.picked === null || selection.picked === shown) return;
    shown = selection.picked;
    recipe.write("");
    script.write("");
    if (!say({ kind: "choose", number: shown })) recipe.write("The kernel does not answer.");
    draw();
  }
  const unheard = selection.on(ask);
  draw();

  return {
    ended(now: boolean): void {
      ended = now;
      draw();
    },
    used(use: Use): void {
      told = use;
      pressed = false;
      draw();
    },
    chosen(answer: Chosen): void {
      if (answer.number !== selection.picked) return;
      recipe.write(answer.recipe ?? answer.trouble ?? "");
      script.write(answer.script ?? "");
    },
    dispose: unheard,
  };
}

/** A text that unfolds and can be copied. */
function listing(title: string) {
  const text = element("pre", { tabindex: 0, "aria-label": title });
  const copy = element("button", { type: "button", class: "tauto-button" }, "Copy");
  const root = element("details", { hidden: true }, element("summary", {}, title), text, copy);
  copy.addEventListener("click", async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 3000);
  });
  return {
    root,
    write(words: string): void {
      text.textContent = words;
      root.hidden = words === "";
    },
  };
}

/** Copies what an element holds; where the page may not, selects it and says false. */
export async function copied(text: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text.textContent ?? "");
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(text);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    return false;
  }
}
