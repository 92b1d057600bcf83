import type { ChangeRow } from "../data/comparison";
import { tableView } from "./table";

/** A table of quantities on both sides, with bars on one scale in each row. */
export function changesView(
  host: HTMLElement,
  caption: string,
  rows: readonly ChangeRow[],
  [one, other]: readonly [string, string],
): void {
  const bar = (row: ChangeRow, value: number | null) => {
    const top = Math.max(row.original ?? 0, row.optimized ?? 0);
    return value !== null && top > 0 ? value / top : 0;
  };
  tableView(host, rows, {
    caption,
    columns: [
      { title: "Quantity", value: (row) => row.name },
      {
        title: one,
        value: (row) => row.original,
        write: (row) => row.write(row.original),
        bar: (row) => bar(row, row.original),
      },
      {
        title: other,
        value: (row) => row.optimized,
        write: (row) => row.write(row.optimized),
        bar: (row) => bar(row, row.optimized),
      },
      { title: "Change", value: (row) => row.change },
    ],
    more: "quantities",
  });
}
