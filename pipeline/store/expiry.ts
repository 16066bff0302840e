import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";
import { jsonWithChecksum, valueWithoutChecksum } from "#platform/text-checksum.ts";

import { identifier } from "./duck.ts";
import { publish, writeSafe } from "./files.ts";
import { instant, SqlText, type Statement } from "./filter-sql.ts";
import type { Expired, Retention } from "./port.ts";
import type { Cutoffs } from "./retention.ts";
import {
  extentsWithHoles,
  mergeExtents,
  type Segment,
  type SegmentFooter,
} from "./segment-footer.ts";

const FILE = "retention.json";
const INPUTS_MAX = 64;
const Policy = z.object({ version: z.literal(1), days: z.record(z.string(), z.number().min(1)) });

/** The policy is a file in the store's folder, so that every process that merges its files applies it. */
export async function readRetention(folder: string): Promise<Retention> {
  const path = join(folder, FILE);
  const text = await ifExists(readFile(path, "utf8"));
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(Policy.parse(valueWithoutChecksum(text)).days));
  } catch (cause) {
    const message = `${path} is damaged, so no events are removed: set the retention of all datasets again`;
    throw new AppError("unavailable", message, { cause });
  }
}

export async function writeRetention(
  { folder, scratch }: { folder: string; scratch: string },
  retention: Retention,
): Promise<void> {
  const policy = { version: 1, days: Object.fromEntries(retention) };
  const draft = join(scratch, `retention-${randomUUID()}.json`);
  await writeSafe(draft, [Buffer.from(jsonWithChecksum(policy))]);
  await publish(draft, join(folder, FILE));
}

type Extent = SegmentFooter["extents"][number];

/** The segments to rewrite without expired events: those that expired completely, otherwise a partly expired one. */
export function planExpiry(
  segments: readonly Segment[],
  cutoffs: Cutoffs,
): { inputs: Segment[]; isAll: boolean } | undefined {
  const cutoff = ({ dataset }: Extent): number => cutoffs.get(dataset) ?? -Infinity;
  // The cells may still count lost events.
  const touched = segments.filter((segment) =>
    extentsWithHoles(segment).some((it) => it.fromMs < cutoff(it)),
  );
  const over = touched.filter(
    ({ extents, holes, rows }) =>
      [...extents, ...holes].every((it) => it.toMs < cutoff(it)) &&
      extents.reduce((sum, it) => sum + it.rows, 0) === rows,
  );
  if (over.length > 0) return { inputs: over.slice(0, INPUTS_MAX), isAll: true };
  const [first] = touched;
  return first && { inputs: [first], isAll: false };
}

/** The events that were removed when these segments were replaced by one with the extents `left`. */
export function expiredOf(
  inputs: readonly Segment[],
  left: readonly Extent[],
  { cutoffs, retention }: { cutoffs: Cutoffs; retention: Retention },
): Expired[] {
  const before = mergeExtents(inputs.flatMap(({ extents }) => extents));
  return before.flatMap(({ dataset, rows, fromMs, toMs }) => {
    const kept = left.find((extent) => extent.dataset === dataset)?.rows ?? 0;
    const [days, cutoff] = [retention.get(dataset), cutoffs.get(dataset)];
    if (kept === rows || days === undefined || cutoff === undefined) return [];
    return [{ dataset, rows: rows - kept, fromMs, toMs: Math.min(toMs, cutoff - 1), days }];
  });
}

/** The parts of the holes that are not expired. */
export function remainingHoles(holes: readonly Extent[], cutoffs: Cutoffs): Extent[] {
  return holes.flatMap((hole) => {
    const cutoff = cutoffs.get(hole.dataset) ?? -Infinity;
    return hole.toMs < cutoff ? [] : [{ ...hole, fromMs: Math.max(hole.fromMs, cutoff) }];
  });
}

/** SQL condition for the rows to keep: events by their time, rollup cells by the end of their time. */
export function staysSql(kind: "events" | "cells", cutoffs: Cutoffs): Statement {
  const sql = new SqlText();
  const isPast = [...cutoffs].map(([dataset, ms]) =>
    kind === "events"
      ? `(${identifier("data_stream.dataset")} = ${sql.bind(dataset)} AND ${identifier("@timestamp")} < ${instant(ms)})`
      : `(dataset = ${sql.bind(dataset)} AND (t + level_s) * 1000 <= ${ms})`,
  );
  const text = isPast.length === 0 ? "TRUE" : `NOT coalesce(${isPast.join(" OR ")}, FALSE)`;
  return { text, parameters: sql.parameters };
}
