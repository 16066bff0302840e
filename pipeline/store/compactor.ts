import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";

import { DistinctSketch } from "../live/distinct-sketch.ts";
import { MEASURES, ROLLUP_LEVELS_S, type RollupCell } from "../rollup.ts";
import { CELL_ORDER, cellColumns } from "./cell-columns.ts";
import { CompactionLock } from "./compaction-lock.ts";
import { planCompaction } from "./compaction-plan.ts";
import {
  asNumber,
  asText,
  cellFilesSql,
  type Duck,
  eventFilesSql,
  quoted,
  type Row,
} from "./duck.ts";
import { explained, syncFile, writeSafe } from "./files.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import {
  FOOTER_KEY,
  mergedFooter,
  newestMs,
  oldestMs,
  type Segment,
  type SegmentFooter,
} from "./segment-footer.ts";
import { madeMs, type SegmentId } from "./segment-id.ts";

/** A reader that listed the folder before a merge has this long to open the old files. */
const GRACE_MS = 60_000;
/** Events that come in side by side may be this much out of order: no question is the slower for it. */
const OVERLAP_MS = 60_000;
const EVENT_ROW_GROUP_ROWS = 122_880;
/** Small, because a question takes a few measures of a few hours out of a file of all of them. */
const CELL_ROW_GROUP_ROWS = 8192;
const PROBLEM = "compaction";
const ZSTD = "COMPRESSION zstd, COMPRESSION_LEVEL 1";

type Parts = { segments: SegmentFolder; duck: Duck; clock: Clock };

/**
 * Merges small segments into larger ones. The merged segment appears by one rename and names those that it replaces,
 * which from then on do not count; so a kill at any moment neither loses nor doubles a row.
 */
export class Compactor {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #clock: Clock;

  constructor({ segments, duck, clock }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#clock = clock;
  }

  /** Does one merge; false where none is worth it, another process is at it, or it failed (see `problems`). */
  async compact(): Promise<boolean> {
    try {
      const isMerged = await this.#compact();
      this.#segments.forgetProblem(PROBLEM);
      return isMerged;
    } catch (error) {
      const reason = explained(error, this.#segments.folder).message;
      this.#segments.noteProblem(PROBLEM, `small files cannot be merged: ${reason}`);
      return false;
    }
  }

  async #compact(): Promise<boolean> {
    await using lock = await CompactionLock.take(this.#segments.folder, this.#clock);
    if (!lock) return false;
    const { segments, replaced } = await this.#segments.list();
    await this.#removeReplaced(segments, replaced);
    const inputs = planCompaction(segments);
    if (!inputs) return false;
    await this.#merge(inputs, lock);
    return true;
  }

  /** Deletes what others replaced, once nobody reads it any more; those that themselves replaced others last. */
  async #removeReplaced(counted: readonly Segment[], replaced: readonly Segment[]): Promise<void> {
    const replacedAtMs = new Map<SegmentId, number>();
    for (const segment of [...counted, ...replaced]) {
      for (const id of segment.replaces) replacedAtMs.set(id, madeMs(segment.id));
    }
    const there = new Set(replaced.map((segment) => segment.id));
    for (const { id, replaces } of replaced) {
      const isOld = this.#clock.nowMs() - (replacedAtMs.get(id) ?? 0) > GRACE_MS;
      if (!isOld || replaces.some((input) => there.has(input))) continue;
      await this.#segments.remove(id);
      there.delete(id);
    }
  }

  async #merge(inputs: readonly Segment[], lock: CompactionLock): Promise<void> {
    const id = this.#segments.nextId();
    const written: string[] = [];
    try {
      const rollup = await this.#mergeCells(inputs, written);
      const footer = mergedFooter(id, inputs, rollup?.cells ?? null);
      const events = await this.#mergeEvents(inputs, footer, written);
      if (!(await lock.isOurs()) || !(await this.#allCount(inputs))) return;
      await this.#segments.commit(id, { events, rollup: rollup?.path });
    } finally {
      for (const path of written) await rm(path, { force: true });
    }
  }

  async #allCount(inputs: readonly Segment[]): Promise<boolean> {
    const { segments } = await this.#segments.list();
    const ids = new Set(segments.map((segment) => segment.id));
    return inputs.every((input) => ids.has(input.id));
  }

  async #mergeEvents(
    inputs: readonly Segment[],
    footer: SegmentFooter,
    written: string[],
  ): Promise<string> {
    const filled = inputs.filter((segment) => segment.rows > 0);
    const paths = filled.map((segment) => this.#segments.eventsPath(segment.id));
    const json = JSON.stringify(footer);
    if (paths.length === 0) {
      const { parts } = writeParquet([], 0, { [FOOTER_KEY]: json });
      return noted(await writeSafe(this.#segments.scratch, parts), written);
    }
    const path = noted(this.#scratchPath(), written);
    const order = isInTimeOrder(filled) ? "" : 'ORDER BY "@timestamp"';
    const options = `FORMAT parquet, ${ZSTD}, ROW_GROUP_SIZE ${EVENT_ROW_GROUP_ROWS}`;
    await this.#duck.rows(`COPY (SELECT * FROM ${eventFilesSql(paths)} ${order}) TO ${quoted(path)}
      (${options}, KV_METADATA {${FOOTER_KEY}: ${quoted(json)}})`);
    await syncFile(path);
    return path;
  }

  /** Adds the cells up: numbers in the database, sketches here. */
  async #mergeCells(
    inputs: readonly Segment[],
    written: string[],
  ): Promise<{ path: string; cells: NonNullable<SegmentFooter["cells"]> } | undefined> {
    const cells = inputs.flatMap((segment) => segment.cells ?? []);
    if (cells.length === 0) return undefined;
    const files = cellFilesSql(
      inputs
        .filter((segment) => segment.cells)
        .map((segment) => this.#segments.rollupPath(segment.id)),
    );
    const sketched = await this.#duck
      .rows(`SELECT level_s, t, dataset, measure, key, sum(value), list(sketch)
      FROM ${files} WHERE sketch IS NOT NULL GROUP BY ALL`);
    const merged = sketched.map(mergedSketch);
    const { parts } = writeParquet(cellColumns(merged), merged.length, {});
    const sketches = noted(await writeSafe(this.#segments.scratch, parts), written);
    const path = noted(this.#scratchPath(), written);
    const [count] = await this.#duck.rows(`COPY (
        SELECT level_s, t, dataset, measure, key, sum(value) AS value, NULL::BLOB AS sketch
        FROM ${files} WHERE sketch IS NULL GROUP BY ALL
        UNION ALL SELECT level_s, t, dataset, measure, key, value, sketch FROM ${cellFilesSql([sketches])}
        ORDER BY ${CELL_ORDER}
      ) TO ${quoted(path)} (FORMAT parquet, ${ZSTD}, ROW_GROUP_SIZE ${CELL_ROW_GROUP_ROWS})`);
    await syncFile(path);
    const from = Math.min(...cells.map((one) => one.from));
    const to = Math.max(...cells.map((one) => one.to));
    return { path, cells: { rows: asNumber(count?.[0]), from, to } };
  }

  #scratchPath(): string {
    return join(this.#segments.scratch, `${process.pid}-${randomUUID()}.parquet`);
  }
}

/** Whether the segments follow each other in time, as those of one live source do: then no row needs to be moved. */
function isInTimeOrder(segments: readonly Segment[]): boolean {
  return segments.every((segment, i) => {
    const before = segments[i - 1];
    return before === undefined || newestMs(before) <= oldestMs(segment) + OVERLAP_MS;
  });
}

function noted(path: string, written: string[]): string {
  written.push(path);
  return path;
}

function mergedSketch([levelS, t, dataset, measure, key, value, sketches]: Row): RollupCell {
  const level = ROLLUP_LEVELS_S.find((known) => known === asNumber(levelS));
  const name = MEASURES.find((known) => known === measure);
  if (level === undefined || name === undefined) {
    throw new Error(`a rollup file has a cell of ${asText(measure)} at level ${asText(levelS)}`);
  }
  const parts = Array.isArray(sketches)
    ? sketches.filter((part) => part instanceof Uint8Array)
    : [];
  return {
    levelS: level,
    t: asNumber(t),
    dataset: asText(dataset) ?? "",
    measure: name,
    key: asText(key) ?? "",
    value: asNumber(value),
    sketch: mergedBytes(parts),
  };
}

function mergedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const merged = new DistinctSketch();
  for (const part of parts) merged.merge(DistinctSketch.fromBytes(part));
  return merged.toBytes();
}
