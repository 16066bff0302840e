import type { Board } from "../api.ts";

export type Points = Board["series"][string];

export type Line = {
  key: string;
  label: string;
  /** A CSS colour. */
  color: string;
  /** An SVG dash pattern, because lines must differ by more than colour. */
  dash?: string;
  width?: number;
  points: Points;
};

/** A prediction interval; lists are ordered from the widest to the narrowest. */
export type Band = { key: string; label: string; points: [tMs: number, range: [number, number]][] };

/** The values of a chart at one time: a number per line, a pair per band. */
export type Row = { tMs: number } & Record<string, number | [number, number] | null>;

/** The time at which measured values end in a chart. */
export type Boundary = { atMs: number; label: string };

/** The boundary if it is inside the chart: a past range has only measured times, a range after the data has none. */
export function boundaryIn(chart: {
  fromMs: number;
  toMs: number;
  nowMs?: number | undefined;
  live: boolean;
}): Boundary | undefined {
  const { fromMs, toMs, nowMs, live } = chart;
  if (nowMs === undefined || nowMs < fromMs || nowMs >= toMs) return undefined;
  return { atMs: nowMs, label: live ? "now" : "end of data" };
}

/** Lines and bands as rows by time. */
export function chartRows(lines: readonly Line[], bands: readonly Band[]): Row[] {
  const rows = new Map<number, Row>();
  const rowAt = (tMs: number): Row => {
    const row = rows.get(tMs) ?? { tMs };
    rows.set(tMs, row);
    return row;
  };
  for (const line of lines) for (const [tMs, value] of line.points) rowAt(tMs)[line.key] = value;
  for (const band of bands) for (const [tMs, range] of band.points) rowAt(tMs)[band.key] = range;
  return [...rows.values()].toSorted((a, b) => a.tMs - b.tMs);
}

/** Times of the points that have no neighbour with a value. */
export function isolatedPoints(points: Points): number[] {
  const has = (at: number): boolean => (points[at]?.[1] ?? null) !== null;
  return points.flatMap(([tMs], at) => (has(at) && !has(at - 1) && !has(at + 1) ? [tMs] : []));
}

/**
 * Rows for a chart whose series have different steps: between two of its own points a series is interpolated in the
 * rows of the others; its own nulls remain gaps.
 */
export function filledRows(lines: readonly Line[], bands: readonly Band[]): Row[] {
  const rows = chartRows(lines, bands);
  for (const { key } of [...lines, ...bands]) fill(rows, key);
  return rows;
}

function fill(rows: readonly Row[], key: string): void {
  let before = -1;
  for (const [at, row] of rows.entries()) {
    if (row[key] === undefined) continue;
    const gap = before < 0 ? [] : rows.slice(before + 1, at);
    for (const between of gap) interpolate({ from: rows[before], row: between, to: row }, key);
    before = at;
  }
}

type Gap = { from: Row | undefined; row: Row; to: Row };

function interpolate({ from, row, to }: Gap, key: string): void {
  const [start, end] = [from?.[key], to[key]];
  if (!from || start === null || end === null || end === undefined) return;
  const share = (row.tMs - from.tMs) / (to.tMs - from.tMs);
  const between = (a: number, b: number): number => a + (b - a) * share;
  if (typeof start === "number" && typeof end === "number") row[key] = between(start, end);
  if (Array.isArray(start) && Array.isArray(end)) {
    row[key] = [between(start[0], end[0]), between(start[1], end[1])];
  }
}
