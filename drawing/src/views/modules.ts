import {
  found,
  levelsOf,
  MEASURES,
  type Measure,
  type ModuleNode,
  measuresOf,
  modulesWith,
} from "../data/modules";
import { count, dataSize, duration, flops, plural, share, UNKNOWN } from "../data/numbers";
import { element, unique } from "../dom";
import type { Profile } from "../reports/profile";
import type { Store } from "../store";
import { factsView } from "./facts";
import { boundLegend } from "./legend";
import { type MapState, moduleMap } from "./module_map";
import { operatorTables } from "./operators";
import { type Column, type TableView, tableView } from "./table";

/** The modules of a profile: their map, the chosen one's figures and operators, and the table of all. */
export function modulesView(
  host: HTMLElement,
  profile: Profile,
  nodes: readonly ModuleNode[],
  picked: Store<number | null>,
): () => void {
  const state: MapState = {
    nodes,
    layout: "flame",
    measure: "time",
    zoom: null,
    levels: levelsOf(nodes, null),
    found: null,
    picked: picked.value,
  };
  const controls = element("div", { class: "tauto-controls" });
  const trail = element("nav", { class: "tauto-trail", "aria-label": "Modules above the one shown" });
  const said = element("div", { class: "tauto-soft", role: "status" });
  host.append(controls, trail);
  const map = moduleMap(host, state, { pick: zoomTo, out: zoomOut });
  boundLegend(host);
  host.append(said);
  const chosen = element("section", { class: "tauto-block", role: "group", "aria-label": "Chosen module" });
  const columns = element("div", { class: "tauto-columns" });
  const [left, right] = [element("div"), element("div")];
  columns.append(left, right);
  host.append(chosen, columns);

  // controls
  const search = element("input", { type: "search", placeholder: "name or kind", size: 18 });
  search.addEventListener("input", () => look(search.value));
  const measure = choice(measuresOf(nodes).map((one) => [one, MEASURES[one].words]));
  measure.addEventListener("change", () => {
    state.measure = measure.value as Measure;
    map.redraw();
  });
  const levels = choice(levelChoices(state.levels));
  levels.addEventListener("change", () => {
    state.levels = Number(levels.value);
    map.redraw();
  });
  const layout = choice([
    ["flame", "flame graph"],
    ["treemap", "treemap"],
  ]);
  layout.addEventListener("change", () => {
    state.layout = layout.value as MapState["layout"];
    map.redraw();
  });
  controls.append(
    labelled("Search", search),
    labelled("Area", measure),
    labelled("Levels", levels),
    labelled("Shown as", layout),
  );

  // tables
  let operator: string | null = null;
  const operators = operatorTables(left, profile, nodes, {
    pick(name) {
      operator = operator === name ? null : name;
      search.value = "";
      state.found = operator === null ? null : modulesWith(nodes, operator);
      said.textContent =
        operator === null ? "" : `${plural(state.found?.size ?? 0, "module")} ran ${operator} themselves.`;
      operators.refresh();
      modules.update(rowsShown());
      map.redraw();
    },
    picked: (name) => name === operator,
  });
  const modules: TableView<ModuleNode> = tableView(right, nodes, {
    caption: "Modules",
    columns: moduleColumns(profile),
    more: "modules",
    sort: 1,
    limit: 12,
    leftOut: profile.left_out.modules ?? 0,
    pick: (node) => picked.set(node.index),
    picked: (node) => node.index === picked.value,
  });

  function rowsShown(): readonly ModuleNode[] {
    return state.found === null ? nodes : nodes.filter((node) => state.found?.has(node.index));
  }

  function look(words: string): void {
    operator = null;
    state.found = found(nodes, words);
    said.textContent = state.found === null ? "" : `${plural(state.found.size, "module")} found.`;
    operators.refresh();
    modules.update(rowsShown());
    map.redraw();
  }

  // what is chosen, and how far the map is zoomed
  function zoomTo(index: number): void {
    picked.set(index);
    // a module without others below it fills nothing
    if ((nodes[index]?.children.length ?? 0) > 0) zoom(index);
  }

  function zoomOut(): boolean {
    if (state.zoom === null) return false;
    const above = nodes[state.zoom]?.parent ?? -1;
    zoom(above < 0 ? null : above);
    return true;
  }

  function zoom(to: number | null): void {
    state.zoom = to;
    const path: ModuleNode[] = [];
    for (let at = to ?? -1; at >= 0; at = nodes[at]?.parent ?? -1) path.unshift(nodes[at] as ModuleNode);
    trail.replaceChildren();
    if (path.length) trail.append(step("all", () => zoom(null)));
    for (const node of path)
      trail.append(
        " › ",
        step(node.name, () => zoom(node.index)),
      );
    map.redraw();
  }

  function choose(index: number | null): void {
    state.picked = index;
    const node = index === null ? undefined : nodes[index];
    chosen.replaceChildren();
    if (node) figures(chosen, node);
    operators.choose(node ?? null);
    modules.refresh();
    map.redraw();
  }

  choose(picked.value);
  const forget = picked.listen(choose);
  return () => {
    forget();
    map.dispose();
  };
}

function step(words: string, go: () => void): HTMLElement {
  const button = element("button", { type: "button", class: "tauto-link" }, words);
  button.addEventListener("click", go);
  return button;
}

function choice(options: readonly (readonly [string, string])[]): HTMLSelectElement {
  return element("select", {}, ...options.map(([value, words]) => element("option", { value }, words)));
}

function levelChoices(most: number): [string, string][] {
  const some = Array.from({ length: Math.min(most - 1, 9) }, (_, index) => String(index + 1));
  return [[String(most), "all"], ...some.map((level): [string, string] => [level, level])];
}

function labelled(words: string, control: HTMLElement): HTMLElement {
  control.id = unique("control");
  return element(
    "span",
    { class: "tauto-control" },
    element("label", { for: control.id }, words),
    " ",
    control,
  );
}

function figures(host: HTMLElement, node: ModuleNode): void {
  const { row } = node;
  const facts: [string, string][] = [
    ["Kind", row.kind],
    [
      "Forward",
      `${duration(row.total_ms)}, ${duration(row.self_ms)} of its own, in ${plural(row.calls, "call")}`,
    ],
    ["Backward", duration(row.backward_ms)],
    ["Bound by", boundWords(node)],
    [
      "Work",
      row.flops ? `${flops(row.flops)}, ${dataSize(row.bytes_moved)} moved, ${row.precision}` : UNKNOWN,
    ],
    ["Parameters", `${count(row.parameters)} (${dataSize(row.parameter_bytes)})`],
    ["Activations", row.activation_bytes ? dataSize(row.activation_bytes) : UNKNOWN],
  ];
  host.append(element("h3", { class: "tauto-title" }, element("code", {}, node.path)));
  factsView(host, facts);
}

function boundWords({ row }: ModuleNode): string {
  if (row.bound === null) return UNKNOWN;
  return row.share_of_ceiling === null
    ? row.bound
    : `${row.bound}, ${share(row.share_of_ceiling)} of the ceiling`;
}

function moduleColumns(profile: Profile): Column<ModuleNode>[] {
  const whole = profile.modules.reduce((most, row) => Math.max(most, row.total_ms), 0) || 1;
  return [
    { title: "Module", value: (node) => node.path, code: true },
    {
      title: "Time",
      value: ({ row }) => row.total_ms,
      write: ({ row }) => duration(row.total_ms),
      bar: ({ row }) => row.total_ms / whole,
    },
    { title: "Own time", value: ({ row }) => row.self_ms, write: ({ row }) => duration(row.self_ms) },
    { title: "Kind", value: ({ row }) => row.kind },
    { title: "Bound by", value: ({ row }) => row.bound, write: (node) => boundWords(node) },
    {
      title: "FLOPs",
      value: ({ row }) => row.flops || null,
      write: ({ row }) => (row.flops ? flops(row.flops) : UNKNOWN),
    },
    { title: "Parameters", value: ({ row }) => row.parameters, write: ({ row }) => count(row.parameters) },
  ];
}
