import { rm } from "node:fs/promises";

import type { Clock } from "#platform/clock.ts";
import { type Lease, tryLease } from "#platform/lease/lease.ts";

import { planCompaction } from "./compaction-plan.ts";
import { asNumber, asText, type Duck, eventFilesSql, quoted } from "./duck.ts";
import { planExpiry, readRetention, staysSql } from "./expiry.ts";
import { explained, syncFile, writeSafe } from "./files.ts";
import { removeLeftovers } from "./leftovers.ts";
import { mergeRollupFiles } from "./merge-rollup-files.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import { type Cutoffs, cutoffsOf } from "./retention.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import {
  FOOTER_KEY,
  mergedFooter,
  mergeExtents,
  newestMs,
  oldestMs,
  type Segment,
  type SegmentFooter,
} from "./segment-footer.ts";
import { madeMs, type SegmentId } from "./segment-id.ts";
import { leasesIn } from "./store-writer.ts";

const LEASE = "compaction";
/** A reader that listed the folder before a merge has this long to open the old files. */
const GRACE_MS = 60_000;
/** Concurrent sources may be this much out of order; that slows no query down. */
const OVERLAP_MS = 60_000;
const EVENT_ROW_GROUP_ROWS = 122_880;
/** After failures the same work is repeated less and less often: a failed merge may have cost minutes. */
const RETRY_MS = { first: 5_000, max: 10 * 60_000 };
const ZSTD = "COMPRESSION zstd, COMPRESSION_LEVEL 1";

/** The expired events that a merge leaves out; `isAll`: all events of its inputs are expired. */
type Cut = { cutoffs: Cutoffs; isAll: boolean };
type Writing = { written: string[]; cutoffs: Cutoffs };
type Parts = { segments: SegmentFolder; duck: Duck; clock: Clock };

/**
 * Merges small segments into larger ones. The merged segment appears by one rename and names those that it replaces,
 * which no longer count from then on; so a kill at any moment neither loses nor duplicates a row.
 */
export class Compactor {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #clock: Clock;
  /** The last failure of each kind of work that failed, and the wait after it. */
  readonly #pauses = new Map<string, { failedMs: number; waitMs: number }>();
  #failures = 0;

  constructor({ segments, duck, clock }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#clock = clock;
  }

  /** Number of failed merges and removals. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Does one merge; false where there is none to do, another process merges, it failed (see `problems`), or it failed
   * before and is not repeated yet.
   */
  async compact(): Promise<boolean> {
    return this.#tried("small files cannot be merged", async (lease) => {
      const { segments, replaced } = await this.#segments.list();
      await this.#segments.moveDamaged();
      await removeLeftovers(this.#segments, this.#clock);
      await this.#removeReplaced(segments, replaced);
      const inputs = planCompaction(segments);
      if (inputs) await this.#merge(inputs, lease);
      return inputs !== undefined;
    });
  }

  /** Rewrites some segments without expired events; false where there are none, or as for `compact`. */
  async expire(nowMs: number): Promise<boolean> {
    return this.#tried("expired events cannot be removed", async (lease) => {
      const cutoffs = cutoffsOf(await readRetention(this.#segments.folder), nowMs);
      const { segments } = await this.#segments.list();
      const plan = planExpiry(segments, cutoffs);
      if (plan) await this.#merge(plan.inputs, lease, { ...plan, cutoffs });
      return plan !== undefined;
    });
  }

  async #tried(problem: string, work: (lease: Lease) => Promise<boolean>): Promise<boolean> {
    if (this.#isPaused(problem)) return false;
    try {
      await using lease = await tryLease(leasesIn(this.#segments.folder), LEASE);
      if (!lease) return false;
      const isDone = await work(lease);
      this.#pauses.delete(problem);
      this.#segments.forgetProblem(problem);
      return isDone;
    } catch (error) {
      this.#failures += 1;
      this.#pause(problem);
      const reason = explained(error, this.#segments.folder).message;
      this.#segments.noteProblem(problem, `${problem}: ${reason}`);
      return false;
    }
  }

  #isPaused(problem: string): boolean {
    const pause = this.#pauses.get(problem);
    if (!pause) return false;
    const sinceMs = this.#clock.nowMs() - pause.failedMs;
    // After the clock was set back the time since is unknown.
    return sinceMs >= 0 && sinceMs < pause.waitMs;
  }

  #pause(problem: string): void {
    const before = this.#pauses.get(problem)?.waitMs;
    const waitMs = before === undefined ? RETRY_MS.first : Math.min(before * 2, RETRY_MS.max);
    this.#pauses.set(problem, { failedMs: this.#clock.nowMs(), waitMs });
  }

  /** Deletes replaced segments that no reader can need any more; those that themselves replaced others last. */
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

  async #merge(inputs: readonly Segment[], lease: Lease, cut?: Cut): Promise<void> {
    const id = await this.#segments.nextId();
    const written: string[] = [];
    const cutoffs = cut?.cutoffs ?? new Map();
    try {
      const rollup = await this.#mergeCells(inputs, { written, cutoffs });
      const merged = mergedFooter(id, inputs, rollup?.cells ?? null);
      const footer = cut ? { ...merged, ...(await this.#left(inputs, cut)) } : merged;
      const events = await this.#mergeEvents(inputs, footer, { written, cutoffs });
      const isValid = async (): Promise<boolean> =>
        (await lease.confirm()) && (await this.#allCount(inputs));
      await this.#segments.commit(id, { events, rollup: rollup?.path }, isValid);
    } finally {
      for (const path of written) await rm(path, { force: true });
    }
  }

  async #allCount(inputs: readonly Segment[]): Promise<boolean> {
    const { segments } = await this.#segments.list();
    const ids = new Set(segments.map((segment) => segment.id));
    return inputs.every((input) => ids.has(input.id));
  }

  /** Rows and extents of the events that are not expired. */
  async #left(
    inputs: readonly Segment[],
    { isAll, cutoffs }: Cut,
  ): Promise<Pick<SegmentFooter, "rows" | "extents">> {
    if (isAll) return { rows: 0, extents: [] };
    const stays = staysSql("events", cutoffs);
    const counts = await this.#duck.rows(
      `SELECT "data_stream.dataset", count(*), count("@timestamp"), epoch_ms(min("@timestamp")),
        epoch_ms(max("@timestamp")) FROM ${eventFilesSql(this.#eventPaths(inputs))}
       WHERE ${stays.text} GROUP BY ALL`,
      stays.parameters,
    );
    const extents = counts.map(([dataset, , rows, from, to]) => ({
      dataset: asText(dataset) ?? "",
      rows: asNumber(rows),
      fromMs: asNumber(from),
      toMs: asNumber(to),
    }));
    return {
      rows: counts.reduce((sum, [, rows]) => sum + asNumber(rows), 0),
      extents: mergeExtents(extents.filter(({ rows }) => rows > 0)),
    };
  }

  #eventPaths(inputs: readonly Segment[]): string[] {
    const filled = inputs.filter((segment) => segment.rows > 0);
    return filled.map((segment) => this.#segments.eventsPath(segment.id));
  }

  async #mergeEvents(
    inputs: readonly Segment[],
    footer: SegmentFooter,
    { written, cutoffs }: Writing,
  ): Promise<string> {
    const filled = inputs.filter((segment) => segment.rows > 0);
    const paths = this.#eventPaths(inputs);
    const json = JSON.stringify(footer);
    if (footer.rows === 0) {
      const { parts } = writeParquet([], 0, { [FOOTER_KEY]: json });
      const path = noted(await this.#segments.scratchPath(), written);
      await writeSafe(path, parts);
      return path;
    }
    const path = noted(await this.#segments.scratchPath(), written);
    const order = isInTimeOrder(filled) ? "" : 'ORDER BY "@timestamp"';
    const options = `FORMAT parquet, ${ZSTD}, ROW_GROUP_SIZE ${EVENT_ROW_GROUP_ROWS}`;
    const stays = staysSql("events", cutoffs);
    await this.#duck.rows(
      `COPY (SELECT * FROM ${eventFilesSql(paths)} WHERE ${stays.text} ${order}) TO ${quoted(path)}
      (${options}, KV_METADATA {${FOOTER_KEY}: ${quoted(json)}})`,
      stays.parameters,
    );
    await syncFile(path);
    return path;
  }

  async #mergeCells(
    inputs: readonly Segment[],
    { written, cutoffs }: Writing,
  ): Promise<{ path: string; cells: NonNullable<SegmentFooter["cells"]> } | undefined> {
    const filled = inputs.filter((segment) => segment.cells);
    const cells = inputs.flatMap((segment) => segment.cells ?? []);
    if (cells.length === 0) return undefined;
    const merged = await mergeRollupFiles(this.#duck, {
      paths: filled.map((segment) => this.#segments.rollupPath(segment.id)),
      stays: staysSql("cells", cutoffs),
      newPath: async () => noted(await this.#segments.scratchPath(), written),
    });
    if (!merged) return undefined;
    const from = Math.min(...cells.map((one) => one.from));
    const to = Math.max(...cells.map((one) => one.to));
    return { path: merged.path, cells: { rows: merged.rows, from, to } };
  }
}

/** Whether the segments follow each other in time, as those of one live source do; then no sorting is needed. */
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
