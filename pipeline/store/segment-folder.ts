import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import { explained, publish, writeSafe } from "./files.ts";
import { readFooter } from "./parquet/read-footer.ts";
import { FOOTER_KEY, FOOTER_VERSION, type Segment, SegmentFooter } from "./segment-footer.ts";
import { compareIds, isSegmentId, madeMs, newSegmentId, type SegmentId } from "./segment-id.ts";
import { StoreWriter } from "./store-writer.ts";

const SUFFIX = ".parquet";
const READS_AT_ONCE = 16;

/** The segments that count, in order of ids, and those that others replaced but that are not deleted yet. */
export type Listing = { segments: Segment[]; replaced: Segment[] };

/**
 * The folder of segments: `events/<id>.parquet` holds the rows and, in its footer, the description of the segment;
 * `rollups/<id>.parquet`, which is written before, holds its cells. A segment counts from the moment its event file gets
 * its name until a segment that lists it in `replaces` does. Several processes may write and read at the same time.
 * Reading changes nothing in the folder.
 */
export class SegmentFolder implements AsyncDisposable {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #writer: StoreWriter;
  readonly #known = new Map<SegmentId, Segment>();
  /** Files that are not segments, by name, with the reason. */
  readonly #damaged = new Map<string, string>();
  readonly #problems = new Map<string, string>();
  #listing: Listing = { segments: [], replaced: [] };
  #newestMs = 0;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
    this.#writer = new StoreWriter(folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }

  get problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  /** Adds to `problems` until it is forgotten. */
  noteProblem(name: string, text: string): void {
    this.#problems.set(name, text);
  }

  forgetProblem(name: string): void {
    this.#problems.delete(name);
  }

  /** The folder of files that are not complete. */
  get scratch(): string {
    return join(this.folder, "tmp");
  }

  /** Path for a new file of this writer. */
  async scratchPath(): Promise<string> {
    return join(this.scratch, `${await this.#writer.token()}-${randomUUID()}${SUFFIX}`);
  }

  eventsPath(id: SegmentId): string {
    return join(this.folder, "events", id + SUFFIX);
  }

  rollupPath(id: SegmentId): string {
    return join(this.folder, "rollups", id + SUFFIX);
  }

  /** Creates the folders, and reads what is in them. */
  async prepare(): Promise<void> {
    for (const name of ["events", "rollups", "tmp", "broken", "schema"]) {
      await mkdir(join(this.folder, name), { recursive: true, mode: 0o700 });
    }
    await this.#noteBroken();
    await this.list();
  }

  /** A new id, greater than all ids that were seen, even if the clock was set back. */
  async nextId(): Promise<SegmentId> {
    const token = await this.#writer.token();
    this.#newestMs = Math.max(this.#newestMs + 1, this.#clock.nowMs());
    return newSegmentId(this.#newestMs, token);
  }

  /** Reads the folder again; footers are read once. The same object as before where nothing has changed. */
  async list(): Promise<Listing> {
    const names = await readdir(join(this.folder, "events"));
    const ids = segmentIdsIn(names);
    const changed = this.#forgetRemoved(names, ids);
    const unknown = ids.filter((id) => !this.#known.has(id) && !this.#damaged.has(id + SUFFIX));
    for (let i = 0; i < unknown.length; i += READS_AT_ONCE) {
      await Promise.all(unknown.slice(i, i + READS_AT_ONCE).map((id) => this.#learn(id)));
    }
    if (changed.broken) await this.#noteBroken();
    if (!changed.segments && unknown.length === 0) return this.#listing;
    const last = ids.at(-1);
    if (last) this.#newestMs = Math.max(this.#newestMs, madeMs(last));
    const segments = [...this.#known.values()].toSorted((a, b) => compareIds(a.id, b.id));
    this.#listing = visible(segments);
    return this.#listing;
  }

  async eventIds(): Promise<SegmentId[]> {
    return segmentIdsIn(await readdir(join(this.folder, "events")));
  }

  async rollupIds(): Promise<SegmentId[]> {
    return segmentIdsIn(await readdir(join(this.folder, "rollups")));
  }

  /**
   * Keeps the bytes as the segment's files, or nothing at all. False where `isValid` was false when all was written: then
   * nothing is kept.
   */
  async append(id: SegmentId, bytes: Bytes, isValid: () => Promise<boolean>): Promise<boolean> {
    const paths: Written = { events: await this.scratchPath(), rollup: undefined };
    try {
      await writeSafe(paths.events, bytes.events);
      if (bytes.rollup) {
        paths.rollup = await this.scratchPath();
        await writeSafe(paths.rollup, bytes.rollup);
      }
      return await this.commit(id, paths, isValid);
    } catch (error) {
      await removeAll([paths.events, paths.rollup]);
      throw explained(error, this.folder);
    }
  }

  /**
   * Gives the written files their names: the rollup first, so that rows and cells appear by one rename. Right before that,
   * `isValid` decides; if it is false the files are removed.
   */
  async commit(id: SegmentId, paths: Written, isValid: () => Promise<boolean>): Promise<boolean> {
    const { events, rollup } = paths;
    let isDone = false;
    try {
      if (rollup) await publish(rollup, this.rollupPath(id));
      if (!(await isValid())) return false;
      await publish(events, this.eventsPath(id));
      isDone = true;
      return true;
    } finally {
      if (!isDone) await removeAll([events, this.eventsPath(id), rollup, this.rollupPath(id)]);
    }
  }

  /** Removes a segment that no longer counts: the event file first, so that rows are never without their cells. */
  async remove(id: SegmentId): Promise<void> {
    await rm(this.eventsPath(id), { force: true });
    await rm(this.rollupPath(id), { force: true });
    this.#known.delete(id);
  }

  /** Moves files that cannot be read to `broken/`. To be called by the holder of the lease of compaction only. */
  async moveDamaged(): Promise<void> {
    const names = [...this.#damaged.keys()];
    for (const name of names) {
      // It may have been replaced meanwhile, or its copying may have ended.
      const [id] = segmentIdsIn([name]);
      if (id) this.#damaged.delete(name);
      if (id) await this.#learn(id);
      const reason = this.#damaged.get(name);
      if (reason === undefined) continue;
      const target = join(this.folder, "broken", name);
      await ifExists(rename(join(this.folder, "events", name), target));
      this.#damaged.delete(name);
      this.#problems.set(name, `${name} cannot be read: ${reason}. It was moved to ${target}`);
    }
  }

  /** Forgets files that were removed, and notes those that cannot be segments. */
  #forgetRemoved(
    names: readonly string[],
    ids: readonly SegmentId[],
  ): { segments: boolean; broken: boolean } {
    const there = new Set<string>(names);
    const removed = [...this.#known.keys()].filter((id) => !there.has(id + SUFFIX));
    for (const id of removed) this.#known.delete(id);
    const moved = [...this.#damaged.keys()].filter((name) => !there.has(name));
    for (const name of moved) {
      this.#damaged.delete(name);
      this.#problems.delete(name);
    }
    if (ids.length < names.length) {
      const valid = new Set<string>(ids.map((id) => id + SUFFIX));
      for (const name of names) {
        if (!valid.has(name)) this.#noteDamaged(name, "its name is not one of a segment");
      }
    }
    return { segments: removed.length > 0, broken: moved.length > 0 };
  }

  #noteDamaged(name: string, reason: string): void {
    this.#damaged.set(name, reason);
    this.#problems.set(name, `${name} cannot be read, so it is ignored: ${reason}`);
  }

  async #noteBroken(): Promise<void> {
    for (const name of await readdir(join(this.folder, "broken"))) {
      const path = join(this.folder, "broken", name);
      if (!this.#problems.has(name)) {
        this.#problems.set(name, `${path} could not be read and was moved there`);
      }
    }
  }

  async #learn(id: SegmentId): Promise<void> {
    const name = id + SUFFIX;
    try {
      const segment = await ifExists(readSegment(this.eventsPath(id)));
      if (!segment) return;
      if (segment.id === id) this.#known.set(id, segment);
      else this.#noteDamaged(name, `it is a copy of ${segment.id}`);
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (error instanceof RangeError) this.#noteDamaged(name, error.message);
      else
        this.#problems.set(name, `${this.eventsPath(id)} cannot be opened (${errorCode(error)})`);
    }
  }
}

type Bytes = { events: Buffer[]; rollup: Buffer[] | undefined };
type Written = { events: string; rollup: string | undefined };

async function removeAll(paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) if (path !== undefined) await rm(path, { force: true });
}

/** In order. */
function segmentIdsIn(names: readonly string[]): SegmentId[] {
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
  if (parsed.data.rows !== footer.rows) throw new RangeError("its footer contradicts itself");
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
 * Two compactors at once, which the lease prevents, would both replace the same segments: then only the one with the
 * smaller id counts, for every reader.
 */
function visible(all: readonly Segment[]): Listing {
  const gone = new Set<SegmentId>();
  const segments: Segment[] = [];
  const losers: Segment[] = [];
  for (const segment of all) {
    if (segment.replaces.some((id) => gone.has(id))) losers.push(segment);
    else for (const id of segment.replaces) gone.add(id);
  }
  const lost = new Set(losers.map((segment) => segment.id));
  for (const segment of all) {
    if (!gone.has(segment.id) && !lost.has(segment.id)) segments.push(segment);
  }
  const counted = new Set(segments.map((segment) => segment.id));
  return { segments, replaced: all.filter((segment) => !counted.has(segment.id)) };
}
