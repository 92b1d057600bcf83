import type { Render } from "@anywidget/types";
import { keepKeys, type Search, searchView } from "@tauto/drawing";
import { cover } from "./common/cover";
import { LiveSearch, type SearchModel } from "./common/live";
import { Reaching } from "./common/reach";
import { runningView } from "./common/running";
import { styled } from "./common/styled";
import { type Chosen, takingView, type Use } from "./common/taking";

const SAY_AGAIN_MS = 1000;

/** What the kernel says beside its state. */
type Said =
  | { kind: "trials"; search: number; trials: unknown[] }
  | ({ kind: "chosen" } & Chosen)
  | { kind: "pong" | "stopping" };

const NOTHING: Search = {
  title: "A search",
  verdict: "",
  trials: [],
  axes: [
    { name: "trial", label: "trial", better: null, written: String, plain: true, limit: null, log: false },
  ],
  choices: [],
  across: "trial",
  up: "trial",
  best: null,
  original: null,
  constraints: [],
  noun: "recipe",
  study: null,
};

const render: Render<SearchModel> = ({ model, el }) => {
  styled(el);
  keepKeys(el);
  const live = new LiveSearch(model);
  const first = live.search();
  if (first === null && model.get("phase") === "ended") return undefined; // the static report stays what is seen
  const reaching = new Reaching(model, el, () => soon());
  const cleanups: (() => void)[] = [];
  let stopping: ReturnType<typeof setInterval> | undefined;
  let running: ReturnType<typeof runningView> | undefined;
  let taking: ReturnType<typeof takingView> | undefined;
  let drawn = first;
  const view = searchView(el, first ?? NOTHING, {
    top: (place) => {
      running = runningView(place, stop);
    },
    picked: (place, selection) => {
      const usual = (first ?? NOTHING).noun === "recipe" ? "fast" : "params";
      taking = takingView(place, selection, (content) => reaching.say(content), usual);
    },
  });

  function stop(): void {
    const search = model.get("search");
    const say = () => reaching.say({ kind: "stop", search });
    say();
    // it may be lost while the front end is still making its way to a busy kernel
    stopping = setInterval(
      () => (model.get("phase") === "running" ? say() : clearInterval(stopping)),
      SAY_AGAIN_MS,
    );
  }

  function draw(): void {
    const phase = model.get("phase");
    const runs = phase === "running" || phase === "stopping";
    reaching.watch(runs);
    const search = live.search();
    running?.update(
      { phase, progress: model.get("progress"), underWay: model.get("under_way"), reach: reaching.now },
      search,
    );
    taking?.ended(phase === "ended");
    taking?.used(model.get("use") as Use);
    if (search !== null && search !== drawn) view.update(search);
    drawn = search;
  }

  let due = 0;
  /** Draws once in the next frame, however much has changed until then. */
  function soon(): void {
    if (due === 0)
      due = requestAnimationFrame(() => {
        due = 0;
        draw();
      });
  }

  function heard(message: Said): void {
    if (message.kind === "trials") {
      live.take(message.search, message.trials);
      soon();
    } else if (message.kind === "chosen") {
      taking?.chosen(message);
    }
  }
  function on(event: string, listener: (message: Said) => void): void {
    // biome-ignore lint/suspicious/noExplicitAny: the types of the model's events name none of ours
    const events = model as any;
    events.on(event, listener);
    cleanups.push(() => events.off(event, listener));
  }
  on("msg:custom", heard);
  for (const trait of ["report", "phase", "progress", "under_way", "best", "use", "search"])
    on(`change:${trait}`, soon);
  draw();
  let uncover = () => {};
  const covers = () => {
    uncover();
    uncover = cover(model.get("token"));
  };
  on("change:token", covers);
  covers();
  return () => {
    uncover();
    cancelAnimationFrame(due);
    clearInterval(stopping);
    for (const end of cleanups) end();
    reaching.dispose();
    taking?.dispose();
    running?.dispose();
    view.dispose();
  };
};

export default { render };
