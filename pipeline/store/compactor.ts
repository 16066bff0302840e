import { rm } from "node:fs/promises";

import type { Clock } from "#platform/clock.ts";
import type { Lease } from "#platform/lease/lease.ts";

import { planCompaction } from "./compaction-plan.ts";
import { type Duck, eventFilesSql, isOutOfMemory } from "./duck.ts";
import { expiredOf, planExpiry, readRetention, remainingHoles, staysSql } from "./expiry.ts";
import { FilterBuilder } from "./filter-builder.ts";
import { noteFreeSpace } from "./free-space.ts";
import { LeasedWork, waitForCompactionLease } from "./leased-work.ts";
import { removeLeftovers } from "./leftovers.ts";
import { mergeEventFiles } from "./merge-event-files.ts";
import { mergeRollupFiles } from "./merge-rollup-files.ts";
import { ObservedAges } from "./observed-ages.ts";
import type { Expired } from "./port.ts";
import { rebuildRollups } from "./rebuild-rollups.ts";
import { type Remaining, remainingRows } from "./remaining-rows.ts";
import { RetentionTimeFile } from "./retention-time-file.ts";
import { heldBackText, type RetentionTime } from "./retention-time.ts";
import { type Cutoffs, cutoffsOf } from "./retention.ts";
import { SchemaFile } from "./schema-file.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import { mergedFooter, type Segment, type SegmentFooter, withoutEvents } from "./segment-footer.ts";
import { type Damage, INTACT, UnusableFiles } from "./segment-health.ts";
import { madeMs, type SegmentId } from "./segment-id.ts";
import { SegmentRepairs } from "./segment-repairs.ts";
import { UnmergeableSegments } from "./unmergeable-segments.ts";

/** A reader that listed the folder before a merge has this long to open the old files. */
const GRACE_MS = 60_000;

/** The expired events that a merge leaves out; `isAll`: all events of its inputs are expired. */
type Cut = { cutoffs: Cutoffs; isAll: boolean };
/** How a merge differs from one of intact segments that keeps everything. */
type Exception = { cut?: Cut; damage?: Damage };
type Writing = { written: string[]; cutoffs: Cutoffs };
type Parts = {
  segments: SegmentFolder;
  duck: Duck;
  clock: Clock;
  monotonicMs: () => number;
};
const HELD_BACK = "expired events are kept";

/**
 * Merges small segments into larger ones. The merged segment appears by one rename and names those that it replaces,
 * which no longer count from then on; so a kill at any moment neither loses nor duplicates a row.
 */
export class Compactor {
  readonly #segments: SegmentFolder;
  readonly #duck: Duck;
  readonly #clock: Clock;
  readonly #replacedSince: ObservedAges;
  readonly #leftSince: ObservedAges;
  readonly #retentionTime: RetentionTimeFile;
  readonly #repairs: SegmentRepairs;
  readonly #work: LeasedWork;
  readonly #unmergeable: UnmergeableSegments;
  readonly #filters: FilterBuilder;

  constructor({ segments, duck, clock, monotonicMs }: Parts) {
    this.#segments = segments;
    this.#duck = duck;
    this.#clock = clock;
    this.#work = new LeasedWork(segments, clock);
    this.#unmergeable = new UnmergeableSegments(segments, monotonicMs);
    this.#filters = new FilterBuilder({ segments, duck, clock });
    this.#replacedSince = new ObservedAges(monotonicMs);
    this.#leftSince = new ObservedAges(monotonicMs);
    const { folder, scratch } = segments;
    this.#retentionTime = new RetentionTimeFile({ folder, scratch, monotonicMs });
    this.#repairs = new SegmentRepairs(segments, async (segment, damage, lease) => {
      const footer = await this.#merge([segment], lease, { damage });
      return footer !== undefined;
    });
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

  /** Requires no lease: damage is found also while another process merges or nothing can be written. */
  async examine(): Promise<void> {
    // If the files cannot be listed, merging fails too, and reports it.
    await this.#repairs.examine().catch(() => undefined);
    await noteFreeSpace(this.#segments);
  }

  /**
   * Does one merge; false where there is none to do, another process merges, it failed (see `problems`), or it failed
   * before and is not repeated yet.
   */
  async compact(): Promise<boolean> {
    await this.examine();
    const done = await this.#work.try("small files cannot be merged", async (lease) => {
      await this.#segments.moveDamaged();
      if (await this.#repairs.repair(lease)) return true;
      return this.#mergeSome(lease).catch((error: unknown) => {
        // They are repaired, or left out, by the next call.
        if (error instanceof UnusableFiles) return true;
        throw error;
      });
    });
    return done !== undefined;
  }

  async #mergeSome(lease: Lease): Promise<true | undefined> {
    const { health } = this.#segments;
    const { segments, replaced } = await this.#segments.listAll();
    const ages = this.#leftSince;
    await removeLeftovers(this.#segments, { clock: this.#clock, ages });
    await health.verifySuccessors(segments, replaced);
    await this.#removeReplaced(segments, replaced);
    this.#unmergeable.keepOnly(segments);
    const whole = segments.filter((segment) => health.isWhole(segment));
    const inputs = planCompaction(whole.filter((segment) => !this.#unmergeable.has(segment)));
    if (!inputs) return this.#filters.buildNext(whole);
    await this.#mergeOrLeaveOut(inputs, lease);
    return true;
  }

  /**
   * Rewrites some segments without expired events, and returns those; undefined where there are none, or as for
   * `compact`.
   */
  async expire(nowMs: number): Promise<Expired[] | undefined> {
    return this.#work.try("expired events cannot be removed", async (lease) => {
      const retention = await readRetention(this.#segments.folder);
      const { segments } = await this.#segments.listAll();
      const whole = segments.filter((segment) => this.#segments.health.isWhole(segment));
      const time = await this.#retentionTime.now(nowMs, segments);
      const cutoffs = cutoffsOf(retention, Math.min(time.atMs, nowMs));
      const plan = planExpiry(whole, cutoffs);
      if (!plan) {
        const isHeldBack = planExpiry(segments, cutoffsOf(retention, nowMs)) !== undefined;
        this.#noteHeldBack(isHeldBack ? time : undefined, nowMs);
        return undefined;
      }
      const left = await this.#merge(plan.inputs, lease, { cut: { ...plan, cutoffs } });
      return left ? expiredOf(plan.inputs, left.extents, { cutoffs, retention }) : [];
    });
  }

  async expiryTime(nowMs: number): Promise<number> {
    const { segments } = await this.#segments.list();
    return Math.min((await this.#retentionTime.now(nowMs, segments)).atMs, nowMs);
  }

  /** @throws AppError unavailable while another process merges for long */
  async confirmTime(nowMs: number): Promise<void> {
    await using lease = await waitForCompactionLease(this.#segments);
    lease.lost.throwIfAborted();
    await this.#retentionTime.save({ atMs: nowMs, deviatingMs: 0 });
  }

  #noteHeldBack(time: RetentionTime | undefined, nowMs: number): void {
    const text = time && heldBackText(time, nowMs);
    if (text) this.#segments.noteProblem(HELD_BACK, text, "clock");
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
      const isOld = ageMs > GRACE_MS || this.#replacedSince.observedMs(id) > GRACE_MS;
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
      this.#unmergeable.add(inputs);
    }
  }

  /** The footer of the new segment; undefined if the merge is no longer valid. */
  async #merge(
    inputs: readonly Segment[],
    lease: Lease,
    { cut, damage = INTACT }: Exception = {},
  ): Promise<SegmentFooter | undefined> {
    const id = await this.#segments.nextId();
    const written: string[] = [];
    const cutoffs = cut?.cutoffs ?? new Map();
    try {
      await this.#segments.health.verifyAfresh(inputs, damage);
      const rollup = await this.#mergeCells(inputs, { written, cutoffs }, damage);
      const cells = rollup?.cells ?? null;
      const merged = mergedFooter(inputs, { id, cells, known: this.#segments });
      const footer = damage.events ? withoutEvents(merged) : merged;
      if (cut) Object.assign(footer, await this.#remaining(inputs, cut));
      footer.holes = remainingHoles(footer.holes, cutoffs);
      const events = await this.#mergeEvents(inputs, footer, { written, cutoffs });
      const isValid = async (): Promise<boolean> =>
        (await lease.confirm()) && (await this.#allCount(inputs));
      const paths = { events, rollup: rollup?.path };
      return (await this.#segments.commit(footer, paths, isValid)) ? footer : undefined;
    } finally {
      for (const path of written) await rm(path, { force: true });
    }
  }

  async #allCount(inputs: readonly Segment[]): Promise<boolean> {
    const { segments } = await this.#segments.listAll();
    const ids = new Set(segments.map((segment) => segment.id));
    return inputs.every((input) => ids.has(input.id));
  }

  async #remaining(inputs: readonly Segment[], { isAll, cutoffs }: Cut): Promise<Remaining> {
    if (isAll) return { rows: 0, extents: [] };
    return remainingRows(this.#duck, eventFilesSql(this.#eventPaths(inputs)), cutoffs);
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
    damage: Damage,
  ): Promise<{ path: string; cells: NonNullable<SegmentFooter["cells"]> } | undefined> {
    const cells = inputs.flatMap((segment) => segment.cells ?? []);
    if (cells.length === 0) return undefined;
    const newPath = async (): Promise<string> => noted(await this.#segments.scratchPath(), written);
    const paths = damage.rollup
      ? await this.#rebuiltRollups(inputs, damage, newPath)
      : inputs.filter((it) => it.cells).map(({ id }) => this.#segments.rollupPath(id));
    if (paths.length === 0) return undefined;
    const stays = staysSql("cells", cutoffs);
    const merged = await mergeRollupFiles(this.#duck, { paths, stays, newPath });
    if (!merged) return undefined;
    const from = Math.min(...cells.map((one) => one.from));
    const to = Math.max(...cells.map((one) => one.to));
    return { path: merged.path, cells: { rows: merged.rows, from, to } };
  }

  /** Rollup files that are computed from the events, if these are intact. */
  async #rebuiltRollups(
    inputs: readonly Segment[],
    damage: Damage,
    newPath: () => Promise<string>,
  ): Promise<string[]> {
    const events = damage.events ? [] : this.#eventPaths(inputs);
    if (events.length === 0) return [];
    const schema = await new SchemaFile(this.#segments).path();
    return rebuildRollups(this.#duck, eventFilesSql([schema, ...events]), newPath);
  }
}

function noted(path: string, written: string[]): string {
  written.push(path);
  return path;
}
