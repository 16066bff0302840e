import { join } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import type { SegmentChecksums } from "./checksum.ts";
import { readManifest } from "./manifest.ts";
import { readSegment } from "./read-segment.ts";
import type { Segment } from "./segment-footer.ts";
import { compareIds, isSegmentId, type SegmentId } from "./segment-id.ts";
import { StoreProblems } from "./store-problems.ts";

export const SUFFIX = ".parquet";
const READS_AT_ONCE = 16;

/** The segments that count, ordered by id, and replaced segments that are not deleted yet. */
export type Listing = { segments: Segment[]; replaced: Segment[] };

/** The known files of a folder of segments. Footers are read once. */
export class SegmentList {
  readonly #folder: string;
  readonly #segments = new Map<SegmentId, Segment>();
  /** Files that are not segments, by name, with the reason. */
  readonly #damaged = new Map<string, string>();
  /** Segments that could not be opened; they are read again by the next update. */
  readonly #unread = new Set<SegmentId>();
  /** Segments with a damaged file. */
  readonly #impaired = new Set<SegmentId>();
  readonly problems: StoreProblems;
  #listing: Listing = { segments: [], replaced: [] };
  /** Whether `#segments` has changed since `#listing` was built. */
  #hasChanged = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.problems = new StoreProblems(folder);
  }

  /** The same object as before if no segment was added or removed. */
  get listing(): Listing {
    if (this.#hasChanged) {
      this.#listing = visible(
        [...this.#segments.values()].toSorted((a, b) => compareIds(a.id, b.id)),
        this.#impaired,
      );
      this.#hasChanged = false;
    }
    return this.#listing;
  }

  /** Whether all segments could be opened. If not, the listing lacks some, and with them their positions. */
  get isComplete(): boolean {
    return this.#unread.size === 0;
  }

  find(id: SegmentId): Segment | undefined {
    return this.#segments.get(id);
  }

  /** A damaged segment does not count while all segments that it replaces are still there. */
  setDamaged(id: SegmentId, isDamaged: boolean): void {
    if (isDamaged === this.#impaired.has(id)) return;
    if (isDamaged) this.#impaired.add(id);
    else this.#impaired.delete(id);
    this.#hasChanged = true;
  }

  setChecksums(id: SegmentId, checksums: SegmentChecksums): void {
    const segment = this.#segments.get(id);
    if (segment) this.#segments.set(id, { ...segment, checksums });
    this.#hasChanged = true;
    this.problems.forgetFile(manifestName(id));
  }

  /**
   * Reads new files and removes deleted ones, given all names in `events/` and the ids among them. Returns the ids of
   * those that were removed.
   */
  async update(names: readonly string[], ids: readonly SegmentId[]): Promise<SegmentId[]> {
    const removed = this.#forgetRemoved(new Set(names));
    if (ids.length < names.length) this.#noteForeign(names, ids);
    const unknown = ids.filter((id) => !this.#segments.has(id) && !this.#damaged.has(id + SUFFIX));
    for (let i = 0; i < unknown.length; i += READS_AT_ONCE) {
      await Promise.all(unknown.slice(i, i + READS_AT_ONCE).map((id) => this.#read(id)));
    }
    return removed;
  }

  forget(id: SegmentId): void {
    if (this.#segments.delete(id)) this.#hasChanged = true;
    this.#impaired.delete(id);
    this.problems.forgetFile(manifestName(id));
  }

  damagedNames(): readonly string[] {
    return [...this.#damaged.keys()];
  }

  /** Reads a damaged file again, as it may have been completed or replaced. The reason if it is still damaged. */
  async readAgain(name: string): Promise<string | undefined> {
    const [id] = segmentIdsIn([name]);
    if (id) {
      this.forgetDamaged(name);
      await this.#read(id);
    }
    return this.#damaged.get(name);
  }

  #forgetRemoved(names: ReadonlySet<string>): SegmentId[] {
    const removed = [...this.#segments.keys()].filter((id) => !names.has(id + SUFFIX));
    for (const id of removed) this.forget(id);
    for (const name of this.#damaged.keys()) if (!names.has(name)) this.forgetDamaged(name);
    for (const id of this.#unread) if (!names.has(id + SUFFIX)) this.#forgetUnread(id);
    return removed;
  }

  #noteForeign(names: readonly string[], ids: readonly SegmentId[]): void {
    const valid = new Set<string>(ids.map((id) => id + SUFFIX));
    for (const name of names) {
      if (!valid.has(name)) this.#noteDamaged(name, "its name is not the name of a segment");
    }
  }

  #noteDamaged(name: string, reason: string): void {
    this.#damaged.set(name, reason);
    this.problems.noteFile(name, `${name} cannot be read, so it is ignored: ${reason}`);
  }

  forgetDamaged(name: string): void {
    this.#damaged.delete(name);
    this.problems.forgetFile(name);
  }

  #forgetUnread(id: SegmentId): void {
    this.#unread.delete(id);
    this.problems.forgetFile(unreadName(id));
  }

  async #read(id: SegmentId): Promise<void> {
    const name = id + SUFFIX;
    try {
      const segment = (await this.#fromManifest(id)) ?? (await this.#fromFooter(name));
      this.#forgetUnread(id);
      if (!segment) return;
      if (segment.id !== id) {
        this.#noteDamaged(name, `it is a copy of ${segment.id}`);
        return;
      }
      this.#segments.set(id, segment);
      this.#hasChanged = true;
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (error instanceof RangeError) this.#noteDamaged(name, error.message);
      else this.#noteUnread(id, error);
    }
  }

  #noteUnread(id: SegmentId, error: unknown): void {
    this.#unread.add(id);
    const reason = errorCode(error) ?? String(error);
    const remedy =
      "nothing is stored until it can be: check its owner and mode, and the limit of open files";
    this.problems.noteFile(unreadName(id), `segment ${id} cannot be opened (${reason}): ${remedy}`);
  }

  async #fromManifest(id: SegmentId): Promise<Segment | undefined> {
    const name = manifestName(id);
    try {
      const manifest = await ifExists(readManifest(join(this.#folder, name)));
      if (!manifest) return undefined;
      const { footer, checksums } = manifest;
      if (footer.id !== id) throw new RangeError(`it is a copy of that of ${footer.id}`);
      return { ...footer, bytes: checksums.events.bytes, checksums };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const remedy = "it will be written again from the files of the segment when files are merged";
      this.problems.noteFile(name, `${name} is damaged (${error.message}): ${remedy}`, "repaired");
      return undefined;
    }
  }

  #fromFooter(name: string): Promise<Segment | undefined> {
    return ifExists(readSegment(join(this.#folder, "events", name)));
  }
}

/** The path of a segment's manifest within the store's folder. */
export const manifestName = (id: SegmentId): string => `manifests/${id}.json`;
const unreadName = (id: SegmentId): string => `unread/${id}`;

/** The ids of segment files, in ascending order. */
export function segmentIdsIn(names: readonly string[]): SegmentId[] {
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .filter(isSegmentId)
    .toSorted(compareIds);
}

/**
 * A damaged segment does not count while everything that it was merged from is there. Two concurrent compactors, which
 * the lease prevents, could both replace the same segments: then only the one with the smaller id counts.
 */
function visible(all: readonly Segment[], damaged: ReadonlySet<SegmentId>): Listing {
  const counting = withoutSubstituted(all, damaged);
  const replacedBy = new Map<SegmentId, SegmentId>();
  const lost = new Set<SegmentId>();
  for (const { id, replaces } of counting) {
    const own = new Set(replaces);
    const isTaken = (input: SegmentId): boolean => {
      const other = replacedBy.get(input);
      return other !== undefined && !own.has(other);
    };
    if (replaces.some(isTaken)) lost.add(id);
    else for (const input of replaces) replacedBy.set(input, id);
  }
  const isReplaced = ({ id }: Segment): boolean => replacedBy.has(id) || lost.has(id);
  return {
    segments: counting.filter((segment) => !isReplaced(segment)),
    replaced: counting.filter(isReplaced),
  };
}

/** All segments except damaged ones in whose place those count that they were merged from. Ids ascend with time. */
function withoutSubstituted(
  all: readonly Segment[],
  damaged: ReadonlySet<SegmentId>,
): readonly Segment[] {
  if (damaged.size === 0) return all;
  const byId = new Map(all.map((segment) => [segment.id, segment]));
  const replaced = new Set<SegmentId>();
  const counting: Segment[] = [];
  for (const segment of all.toReversed()) {
    const { id, replaces } = segment;
    const there = replaces.flatMap((input) => byId.get(input) ?? []);
    const covered = new Set(there.flatMap((input) => [input.id, ...input.replaces]));
    const hasSubstitute = replaces.length > 0 && replaces.every((input) => covered.has(input));
    if (damaged.has(id) && !replaced.has(id) && hasSubstitute) continue;
    counting.push(segment);
    for (const input of replaces) replaced.add(input);
  }
  return counting.toReversed();
}
