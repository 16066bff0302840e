import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Lease } from "#platform/lease/lease.ts";

import { planCompaction } from "./compaction-plan.ts";
import { asNumber, asText, type Duck, eventFilesSql, isOutOfMemory } from "./duck.ts";
import { expiredOf, planExpiry, readRetention, staysSql } from "./expiry.ts";
import { LeasedWork } from "./leased-work.ts";
import { removeLeftovers } from "./leftovers.ts";
import { mergeEventFiles } from "./merge-event-files.ts";
import { mergeRollupFiles } from "./merge-rollup-files.ts";
import type { Expired } from "./port.ts";
import { RetentionTimeFile } from "./retention-time-file.ts";
import { heldBackText, type RetentionTime } from "./retention-time.ts";
import { type Cutoffs, cutoffsOf } from "./retention.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { mergedFooter, mergeExtents, type Segment, type SegmentFooter } from "./segment-footer.ts";
import { madeMs, type SegmentId } from "./segment-id.ts";
import { Sightings } from "./sightings.ts";

const LEASE_WAIT_MS_MAX = 30_000;
const LEASE_RETRY_MS = 200;
/** A reader that listed the folder before a merge has this long to open the old files. */
const GRACE_MS = 60_000;

/** The expired events that a merge leaves out; `isAll`: all events of its inputs are expired. */
type Cut = { cutoffs: Cutoffs; isAll: boolean };
type Writing = { written: string[]; cutoffs: Cutoffs };
type Parts = {
  segments: SegmentFolder;
  duck: Duck;
  clock: Clock;
  monotonicMs: () => number;
};
const TOO_LARGE = "files are too large to be merged";
const HELD_BACK = "expired events are kept";

/**
 * Merges small segments into larger ones. The merged segment appears by one rename and names those that it replaces,
 * which no longer count from then on; so a kill at any moment neither loses nor duplicates a row.
 */
export class Compactor {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #clock: Clock;
  readonly #replacedSince: Sightings;
  readonly #leftSince: Sightings;
  readonly #retentionTime: RetentionTimeFile;
  readonly #work: LeasedWork;
  /** Segments that cannot be merged within the memory limit. They are not tried again. */
  readonly #tooLarge = new Set<SegmentId>();

  constructor({ segments, duck, clock, monotonicMs }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#clock = clock;
    this.#work = new LeasedWork(segments, clock);
    this.#replacedSince = new Sightings(monotonicMs);
    this.#leftSince = new Sightings(monotonicMs);
    const { folder, scratch } = segments;
    this.#retentionTime = new RetentionTimeFile({ folder, scratch, monotonicMs });
  }

  /** To be called when the store is opened. A new store has no events that could contradict the clock. */
  async begin(): Promise<void> {
    const { segments } = await this.#segments.list();
    if (segments.length > 0) return;
    // Without it, the first events decide.
    await this.#retentionTime.now(this.#clock.nowMs(), segments).catch(() => undefined);
  }

  /** Number of failed merges and removals. */
  get failures(): number {
    return this.#work.failures;
  }

  /**
   * Does one merge; false where there is none to do, another process merges, it failed (see `problems`), or it failed
   * before and is not repeated yet.
   */
  async compact(): Promise<boolean> {
    const done = await this.#work.try("small files cannot be merged", async (lease) => {
      const { segments, replaced } = await this.#segments.list();
      await this.#segments.moveDamaged();
      const sightings = this.#leftSince;
      await removeLeftovers(this.#segments, { clock: this.#clock, sightings });
      await this.#removeReplaced(segments, replaced);
      const inputs = planCompaction(segments.filter(({ id }) => !this.#tooLarge.has(id)));
      if (inputs) await this.#mergeOrLeaveOut(inputs, lease);
      return inputs;
    });
    return done !== undefined;
  }

  /**
   * Rewrites some segments without expired events, and returns those; undefined where there are none, or as for
   * `compact`.
   */
  async expire(nowMs: number): Promise<Expired[] | undefined> {
    return this.#work.try("expired events cannot be removed", async (lease) => {
      const retention = await readRetention(this.#segments.folder);
      const { segments } = await this.#segments.list();
      const time = await this.#retentionTime.now(nowMs, segments);
      const cutoffs = cutoffsOf(retention, Math.min(time.atMs, nowMs));
      const plan = planExpiry(segments, cutoffs);
      if (!plan) {
        const isHeldBack = planExpiry(segments, cutoffsOf(retention, nowMs)) !== undefined;
        this.#noteHeldBack(isHeldBack ? time : undefined, nowMs);
        return undefined;
      }
      const left = await this.#merge(plan.inputs, lease, { ...plan, cutoffs });
      return left ? expiredOf(plan.inputs, left.extents, { cutoffs, retention }) : [];
    });
  }

  async expiryTime(nowMs: number): Promise<number> {
    const { segments } = await this.#segments.list();
    return Math.min((await this.#retentionTime.now(nowMs, segments)).atMs, nowMs);
  }

  /** @throws AppError unavailable while another process merges for long */
  async confirmTime(nowMs: number): Promise<void> {
    const untilMs = performance.now() + LEASE_WAIT_MS_MAX;
    do {
      await using lease = await this.#work.tryLease();
      if (lease) return await this.#retentionTime.save({ atMs: nowMs, deviatingMs: 0 });
      await delay(LEASE_RETRY_MS);
    } while (performance.now() < untilMs);
    throw new AppError("unavailable", "another process merges the files of the store: try again");
  }

  #noteHeldBack(time: RetentionTime | undefined, nowMs: number): void {
    if (time) this.#segments.noteProblem(HELD_BACK, heldBackText(time, nowMs));
    else this.#segments.forgetProblem(HELD_BACK);
  }

  /** Resolves when no work is in progress. */
  settled(): Promise<void> {
    return this.#work.settled();
  }

  /** Deletes replaced segments that no reader can need any more; those that themselves replaced others last. */
  async #removeReplaced(counted: readonly Segment[], replaced: readonly Segment[]): Promise<void> {
    const replacedAtMs = new Map<SegmentId, number>();
    for (const segment of [...counted, ...replaced]) {
      for (const id of segment.replaces) replacedAtMs.set(id, madeMs(segment.id));
    }
    const there = new Set(replaced.map((segment) => segment.id));
    this.#replacedSince.update(there);
    for (const { id, replaces } of replaced) {
      // After a step of the clock into the future this may be too early; a reader that finds no file lists again.
      const ageMs = this.#clock.nowMs() - (replacedAtMs.get(id) ?? 0);
      const isOld = ageMs > GRACE_MS || this.#replacedSince.seenForMs(id) > GRACE_MS;
      if (!isOld || replaces.some((input) => there.has(input))) continue;
      await this.#segments.remove(id);
      there.delete(id);
    }
  }

  async #mergeOrLeaveOut(inputs: readonly Segment[], lease: Lease): Promise<void> {
    try {
      await this.#merge(inputs, lease);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      for (const { id } of inputs) this.#tooLarge.add(id);
      const files = this.#tooLarge.size;
      const text = `${files} files with very long lines remain unmerged, because merging them requires more memory than the event store may use; their events can be read`;
      this.#segments.noteProblem(TOO_LARGE, text);
    }
  }

  /** The footer of the new segment; undefined if the merge is no longer valid. */
  async #merge(
    inputs: readonly Segment[],
    lease: Lease,
    cut?: Cut,
  ): Promise<SegmentFooter | undefined> {
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
      const paths = { events, rollup: rollup?.path };
      return (await this.#segments.commit(id, paths, isValid)) ? footer : undefined;
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
    const path = noted(await this.#segments.scratchPath(), written);
    await mergeEventFiles(this.#duck, {
      inputs: inputs.filter((segment) => segment.rows > 0),
      paths: this.#eventPaths(inputs),
      stays: staysSql("events", cutoffs),
      footer,
      path,
    });
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

function noted(path: string, written: string[]): string {
  written.push(path);
  return path;
}
