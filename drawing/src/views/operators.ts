import { type ModuleNode, type OperatorTime, operatorsIn } from "../data/modules";
import { count, dataSize, duration, flops, share, UNKNOWN } from "../data/numbers";
import type { OperatorRow, Profile } from "../reports/profile";
import { tableView } from "./table";

export interface OperatorTables {
  choose(node: ModuleNode | null): void;
  refresh(): void;
}

/** The operators of the whole profile, or of the chosen module. */
export function operatorTables(
  host: HTMLElement,
  profile: Profile,
  nodes: readonly ModuleNode[],
  { pick, picked }: { pick(name: string): void; picked(name: string): boolean },
): OperatorTables {
  let shown: { refresh(): void; dispose(): void } | null = null;
  const known = nodes.some(({ row }) => Object.keys(row.operators).length > 0);

  function whole(): void {
    const sum = profile.operators.reduce((all, row) => all + row.self_ms, 0) || 1;
    shown = tableView<OperatorRow>(host, profile.operators, {
      caption: "Operators of the whole",
      columns: [
        { title: "Operator", value: (row) => row.name, code: true },
        {
          title: "Own time",
          value: (row) => row.self_ms,
          write: (row) => duration(row.self_ms),
          bar: (row) => row.self_ms / sum,
        },
        { title: "Share", value: (row) => row.self_ms / sum, write: (row) => share(row.self_ms / sum) },
        { title: "Calls", value: (row) => row.calls, write: (row) => count(row.calls) },
        {
          title: "FLOPs",
          value: (row) => row.flops,
          write: (row) => (row.flops === null ? "not counted" : row.flops ? flops(row.flops) : UNKNOWN),
        },
        {
          title: "Allocated",
          value: (row) => row.allocated_bytes,
          write: (row) => (row.allocated_bytes ? dataSize(row.allocated_bytes) : UNKNOWN),
        },
      ],
      more: "operators",
      sort: 1,
      limit: 12,
      leftOut: profile.left_out.operators ?? 0,
      ...(known ? { pick: (row) => pick(row.name), picked: (row) => picked(row.name) } : {}),
    });
  }

  function inside(node: ModuleNode): void {
    const rows = operatorsIn(nodes, node.index);
    const sum = rows.reduce((all, row) => all + row.ms, 0) || 1;
    shown = tableView<OperatorTime>(host, rows, {
      caption: `Operators in ${node.path}, forward and backward`,
      columns: [
        { title: "Operator", value: (row) => row.name, code: true },
        {
          title: "Own time",
          value: (row) => row.ms,
          write: (row) => duration(row.ms),
          bar: (row) => row.ms / sum,
        },
        { title: "Share", value: (row) => row.ms / sum, write: (row) => share(row.ms / sum) },
      ],
      more: "operators",
      sort: 1,
      limit: 12,
      pick: (row) => pick(row.name),
      picked: (row) => picked(row.name),
    });
  }

  return {
    choose(node) {
      shown?.dispose();
      if (node !== null && operatorsIn(nodes, node.index).length) inside(node);
      else whole();
    },
    refresh: () => shown?.refresh(),
  };
}
