import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import { readFooter } from "./parquet/read-footer.ts";
import type { StoreProblem } from "./port.ts";
import { FOOTER_KEY, FOOTER_VERSION, type Segment, SegmentFooter } from "./segment-footer.ts";
import { compareIds, isSegmentId, type SegmentId } from "./segment-id.ts";

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
  /** Messages by the name of a file. */
  readonly #problems = new Map<string, string>();
  /** Messages by the name of a failed operation. */
  readonly #failures = new Map<string, string>();
  #listing: Listing = { segments: [], replaced: [] };
  /** Whether `#segments` has changed since `#listing` was built. */
  #hasChanged = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The same object as before if no segment was added or removed. */
  get listing(): Listing {
    if (this.#hasChanged) {
      this.#listing = visible(
        [...this.#segments.values()].toSorted((a, b) => compareIds(a.id, b.id)),
      );
      this.#hasChanged = false;
    }
    return this.#listing;
  }

  get problems(): readonly StoreProblem[] {
    const files = [...this.#problems].map(([id, message]) => ({
      id,
      kind: "file" as const,
      message,
    }));
    const failures = [...this.#failures].map(([id, message]) => ({
      id,
      kind: "upkeep" as const,
      message,
    }));
    return [...files, ...failures];
  }

  /** Adds a failed operation to `problems` until it is removed. */
  noteProblem(name: string, text: string): void {
    this.#failures.set(name, text);
  }

  forgetProblem(name: string): void {
    this.#failures.delete(name);
  }

  /** Reads new files and removes deleted ones, given all names in `events/` and the ids among them. */
  async update(names: readonly string[], ids: readonly SegmentId[]): Promise<void> {
    const wereMoved = this.#forgetRemoved(new Set(names));
    if (ids.length < names.length) this.#noteForeign(names, ids);
    const unknown = ids.filter((id) => !this.#segments.has(id) && !this.#damaged.has(id + SUFFIX));
    for (let i = 0; i < unknown.length; i += READS_AT_ONCE) {
      await Promise.all(unknown.slice(i, i + READS_AT_ONCE).map((id) => this.#read(id)));
    }
    if (wereMoved) await this.noteBroken();
  }

  forget(id: SegmentId): void {
    if (this.#segments.delete(id)) this.#hasChanged = true;
  }

  damagedNames(): readonly string[] {
    return [...this.#damaged.keys()];
  }

  /** Reads a damaged file again, as it may have been completed or replaced. The reason if it is still damaged. */
  async readAgain(name: string): Promise<string | undefined> {
    const [id] = segmentIdsIn([name]);
    if (id) {
      this.#forgetDamaged(name);
      await this.#read(id);
    }
    return this.#damaged.get(name);
  }

  noteMoved(name: string, problem: string): void {
    this.#damaged.delete(name);
    this.#problems.set(name, problem);
  }

  /** Adds the files that were moved to `broken/`, by any process, to `problems`. */
  async noteBroken(): Promise<void> {
    for (const name of await readdir(join(this.#folder, "broken"))) {
      const path = join(this.#folder, "broken", name);
      if (!this.#problems.has(name)) {
        this.#problems.set(name, `${path} could not be read and was moved there`);
      }
    }
  }

  /** Whether damaged files are among those that were removed. */
  #forgetRemoved(names: ReadonlySet<string>): boolean {
    for (const id of this.#segments.keys()) if (!names.has(id + SUFFIX)) this.forget(id);
    const moved = [...this.#damaged.keys()].filter((name) => !names.has(name));
    for (const name of moved) this.#forgetDamaged(name);
    return moved.length > 0;
  }

  #noteForeign(names: readonly string[], ids: readonly SegmentId[]): void {
    const valid = new Set<string>(ids.map((id) => id + SUFFIX));
    for (const name of names) {
      if (!valid.has(name)) this.#noteDamaged(name, "its name is not the name of a segment");
    }
  }

  #noteDamaged(name: string, reason: string): void {
    this.#damaged.set(name, reason);
    this.#problems.set(name, `${name} cannot be read, so it is ignored: ${reason}`);
  }

  #forgetDamaged(name: string): void {
    this.#damaged.delete(name);
    this.#problems.delete(name);
  }

  async #read(id: SegmentId): Promise<void> {
    const name = id + SUFFIX;
    const path = join(this.#folder, "events", name);
    try {
      const segment = await ifExists(readSegment(path));
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
      else this.#problems.set(name, `${path} cannot be opened (${errorCode(error)})`);
    }
  }
}

/** The ids of segment files, in ascending order. */
export function segmentIdsIn(names: readonly string[]): SegmentId[] {
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .filter(isSegmentId)
    .toSorted(compareIds);
}

/** @throws RangeError with the reason, for a file that is not a segment */
async function readSegment(path: string): Promise<Segment> {
  await using file = await open(path, "r");
  const footer = await readFooter(file);
  const text = footer.metadata.get(FOOTER_KEY);
  if (text === undefined) throw new RangeError("it was not written by Quarterdeck");
  const value = parsedJson(text);
  if (isNewer(value)) {
    const message = `${path} was written by a newer Quarterdeck: start that version with this data folder`;
    throw new AppError("unavailable", message);
  }
  const parsed = SegmentFooter.safeParse(value);
  if (!parsed.success) throw new RangeError(`its footer is damaged: ${parsed.error.message}`);
  if (parsed.data.rows !== footer.rows) throw new RangeError("the row counts of its footer differ");
  return { ...parsed.data, bytes: footer.fileBytes };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError("its footer is not JSON", { cause: error });
  }
}

function isNewer(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("version" in value)) return false;
  return typeof value.version === "number" && value.version > FOOTER_VERSION;
}

/**
 * Two concurrent compactors, which the lease prevents, could both replace the same segments: then only the one with the
 * smaller id counts, for every reader.
 */
function visible(all: readonly Segment[]): Listing {
  const replacedIds = new Set<SegmentId>();
  const segments: Segment[] = [];
  const conflicting: Segment[] = [];
  for (const segment of all) {
    if (segment.replaces.some((id) => replacedIds.has(id))) conflicting.push(segment);
    else for (const id of segment.replaces) replacedIds.add(id);
  }
  const lost = new Set(conflicting.map((segment) => segment.id));
  for (const segment of all) {
    if (!replacedIds.has(segment.id) && !lost.has(segment.id)) segments.push(segment);
  }
  const counted = new Set(segments.map((segment) => segment.id));
  return { segments, replaced: all.filter((segment) => !counted.has(segment.id)) };
}
