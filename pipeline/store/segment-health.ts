import { AppError } from "#platform/errors.ts";

import type { Checksum } from "./checksum.ts";
import { type FileState, fileStamp, FileVerifier } from "./file-verifier.ts";
import type { Hole } from "./port.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";
import type { SegmentList } from "./segment-list.ts";

export type FileKind = "events" | "rollup";
export const FILE_KINDS: readonly FileKind[] = ["events", "rollup"];

/** A file that cannot be used is verified again after this time, because it may have been restored. */
const RECHECK_MS = 1_000;
/** Files that are read at once to verify them. */
const READS_AT_ONCE = 16;

/** Which files of a segment are damaged. */
export type Damage = Record<FileKind, boolean>;
export const INTACT: Damage = { events: false, rollup: false };

/** `isUnreadable`: its content cannot be decoded although it has the right checksum, or none. */
type About = { kind: FileKind; isDamaged: boolean; isUnreadable: boolean };
type Unusable = About & { id: SegmentId; untilMs: number; stamp: string | undefined };
type Parts = { list: SegmentList; pathOf: (kind: FileKind, id: SegmentId) => string };

/** Thrown when files turned out to be unusable: the caller lists the segments again and continues without them. */
export class UnusableFiles extends AppError {
  constructor(names: readonly string[]) {
    super("unavailable", `these files cannot be read now: ${names.join(", ")}`, { waitMs: 1_000 });
  }
}

/** Which files of the segments cannot be used: damaged ones, and those that cannot be opened at the moment. */
export class SegmentHealth {
  readonly #list: SegmentList;
  readonly #pathOf: Parts["pathOf"];
  readonly #verifier = new FileVerifier();
  readonly #unusable = new Map<string, Unusable>();

  constructor({ list, pathOf }: Parts) {
    this.#list = list;
    this.#pathOf = pathOf;
  }

  /** Whether the file may be read, after `verify`. */
  isUsable({ id }: Segment, kind: FileKind): boolean {
    const found = this.#unusable.get(keyOf(kind, id));
    return !found || performance.now() >= found.untilMs;
  }

  isWhole({ id }: Segment): boolean {
    return FILE_KINDS.every((kind) => !this.#unusable.has(keyOf(kind, id)));
  }

  damageOf({ id }: Segment): Damage {
    const isDamaged = (kind: FileKind): boolean =>
      this.#unusable.get(keyOf(kind, id))?.isDamaged ?? false;
    return { events: isDamaged("events"), rollup: isDamaged("rollup") };
  }

  /**
   * Verifies files that were not verified yet or have changed; with `isFresh` all of them.
   * @throws UnusableFiles
   */
  async verify(segments: readonly Segment[], kind: FileKind, isFresh = false): Promise<void> {
    const unusable: string[] = [];
    const take = (segment: Segment, state: FileState): void => {
      if (!this.#accept(segment, kind, state)) unusable.push(keyOf(kind, segment.id));
    };
    const reading: Promise<void>[] = [];
    for (const segment of segments) {
      if (this.#isStillUnreadable(segment, kind)) {
        unusable.push(keyOf(kind, segment.id));
        continue;
      }
      const state = this.#stateOf(segment, kind, isFresh);
      // Files that were verified before are checked without waiting.
      if (!("then" in state)) take(segment, state);
      else if (reading.push(state.then((read) => take(segment, read))) >= READS_AT_ONCE) {
        await Promise.all(reading.splice(0));
      }
    }
    await Promise.all(reading);
    if (unusable.length > 0) throw new UnusableFiles(unusable);
  }

  /**
   * Reads the files again before they are merged, so that damage does not spread, except those that are known as damaged.
   * @throws UnusableFiles
   */
  async verifyAfresh(segments: readonly Segment[], known: Damage): Promise<void> {
    for (const kind of FILE_KINDS) if (!known[kind]) await this.verify(segments, kind, true);
  }

  /**
   * Replaced segments may be deleted when those that replace them are intact.
   * @throws UnusableFiles
   */
  async verifySuccessors(counted: readonly Segment[], replaced: readonly Segment[]): Promise<void> {
    const ids = new Set(replaced.map(({ id }) => id));
    const successors = counted.filter(({ replaces }) => replaces.some((id) => ids.has(id)));
    for (const kind of FILE_KINDS) await this.verify(successors, kind);
  }

  /** Marks a file that has the right checksum, or none, but cannot be read. */
  noteUnreadable(segment: Segment, kind: FileKind, reason: string): void {
    this.#mark(segment, { kind, isDamaged: true, isUnreadable: true }, reason);
  }

  /** Marks a file that cannot be opened at the moment, such as when no more files may be open. */
  noteUnopened(segment: Segment, kind: FileKind, reason: string): void {
    this.#mark(segment, { kind, isDamaged: false, isUnreadable: false }, reason);
  }

  /** When the file was read to verify it, by `performance.now()`. */
  verifiedMs({ id }: Segment, kind: FileKind): number | undefined {
    return this.#verifier.verifiedMs(this.#pathOf(kind, id));
  }

  /** The segments with damaged files. */
  damagedIds(): Set<SegmentId> {
    const damaged = [...this.#unusable.values()].filter(({ isDamaged }) => isDamaged);
    return new Set(damaged.map(({ id }) => id));
  }

  /** The events that are missing in answers, now or because they were lost. */
  holesIn(segments: readonly Segment[]): Hole[] {
    return segments
      .flatMap((segment) => [...segment.holes, ...(this.isWhole(segment) ? [] : segment.extents)])
      .map(({ dataset, fromMs, toMs, rows }) => ({
        fromMs,
        toMs,
        ...(dataset === "" ? {} : { dataset }),
        events: rows,
      }));
  }

  forget(id: SegmentId): void {
    for (const kind of FILE_KINDS) {
      this.#remove(keyOf(kind, id), id);
      this.#verifier.forget(this.#pathOf(kind, id));
    }
  }

  /** A file without a checksum counts as intact, unless it is missing. */
  #stateOf(segment: Segment, kind: FileKind, isFresh: boolean): FileState | Promise<FileState> {
    const path = this.#pathOf(kind, segment.id);
    const checksum = checksumIn(segment, kind);
    if (checksum) return this.#verifier.verify(path, checksum, isFresh);
    const hasFile = kind === "events" || segment.cells !== null;
    return { kind: hasFile && isMissing(path) ? "missing" : "intact" };
  }

  /** Whether the file can be used; marks it if not. */
  #accept(segment: Segment, kind: FileKind, state: FileState): boolean {
    if (state.kind === "intact") {
      this.#remove(keyOf(kind, segment.id), segment.id);
      return true;
    }
    // The event file is removed first: without it the segment does not exist any more.
    const isRemoved = state.kind === "missing" && isMissing(this.#pathOf("events", segment.id));
    if (!isRemoved) this.#note(segment, kind, state);
    return false;
  }

  /** Until the file changes. */
  #isStillUnreadable({ id }: Segment, kind: FileKind): boolean {
    const name = keyOf(kind, id);
    const known = this.#unusable.get(name);
    if (!known?.isUnreadable) return false;
    if (known.stamp !== stampOf(this.#pathOf(kind, id))) {
      this.#remove(name, id);
      return false;
    }
    known.untilMs = performance.now() + RECHECK_MS;
    return true;
  }

  #remove(name: string, id: SegmentId): void {
    if (!this.#unusable.delete(name)) return;
    this.#list.problems.forgetFile(name);
    if (!this.damagedIds().has(id)) this.#list.setDamaged(id, false);
  }

  #note(segment: Segment, kind: FileKind, state: Exclude<FileState, { kind: "intact" }>): void {
    const isDamaged = state.kind !== "unavailable";
    const reason = state.kind === "missing" ? "it is missing" : state.reason;
    this.#mark(segment, { kind, isDamaged, isUnreadable: false }, reason);
  }

  #mark(segment: Segment, about: About, reason: string): void {
    const { id } = segment;
    const name = keyOf(about.kind, id);
    const untilMs = performance.now() + RECHECK_MS;
    const stamp = stampOf(this.#pathOf(about.kind, id));
    this.#unusable.set(name, { ...about, id, untilMs, stamp });
    this.#list.problems.noteFile(name, problemOf(segment, { ...about, reason }, name));
    if (about.isDamaged) this.#list.setDamaged(id, true);
  }
}

const keyOf = (kind: FileKind, id: SegmentId): string =>
  `${kind === "events" ? "events" : "rollups"}/${id}.parquet`;

function isMissing(path: string): boolean {
  try {
    return fileStamp(path) === undefined;
  } catch {
    return false;
  }
}

function stampOf(path: string): string | undefined {
  try {
    return fileStamp(path);
  } catch {
    return undefined;
  }
}

function checksumIn({ checksums, cells }: Segment, kind: FileKind): Checksum | undefined {
  if (kind === "events") return checksums?.events;
  return (cells && checksums?.rollup) ?? undefined;
}

type Problem = About & { reason: string };

function problemOf(segment: Segment, { kind, isDamaged, reason }: Problem, name: string): string {
  const times = segment.extents.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const range =
    times.length === 0
      ? ""
      : ` from ${timeText(Math.min(...times))} to ${timeText(Math.max(...times))}`;
  const what =
    kind === "events"
      ? `searches lack its ${segment.rows} events${range}`
      : `boards lack its ${segment.rows} events${range}`;
  if (!isDamaged) {
    return `${name} cannot be opened (${reason}): ${what}. Check its owner and mode, and the limit of open files`;
  }
  const remedy =
    kind === "events"
      ? "Restore it from a backup, or it will be moved to broken/ when files are merged"
      : "It will be computed again from the events when files are merged";
  return `${name} is damaged (${reason}): ${what}. ${remedy}`;
}

function timeText(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
