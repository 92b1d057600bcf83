import type { Ceiling } from "../reports/profile";
import type { ModuleNode } from "./modules";

/** A module in the roofline: how much it computes for each byte, and how fast. */
export interface RooflinePoint {
  node: ModuleNode;
  /** FLOPs a byte moved. */
  intensity: number;
  gflops: number;
}

/** Returns a point for each module that computes and moves something, by intensity. */
export function rooflinePoints(nodes: readonly ModuleNode[]): RooflinePoint[] {
  const points = nodes
    .filter(({ row }) => row.flops > 0 && row.bytes_moved > 0 && row.total_ms > 0)
    .map((node) => ({
      node,
      intensity: node.row.flops / node.row.bytes_moved,
      gflops: node.row.flops / node.row.total_ms / 1e6,
    }));
  return points.sort((a, b) => a.intensity - b.intensity);
}

/** Returns the measured ceilings of arithmetic and of bandwidth. */
export function ceilingLines(ceilings: readonly Ceiling[]): { flat: Ceiling[]; slanted: Ceiling[] } {
  return {
    flat: ceilings.filter((one) => one.unit === "GFLOP/s"),
    slanted: ceilings.filter((one) => one.unit === "GB/s"),
  };
}

/** Returns the ends of a logarithmic axis that holds all values: powers of ten. */
export function decades(values: readonly number[]): [number, number] {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  if (!logs.length) return [0.1, 10];
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}
