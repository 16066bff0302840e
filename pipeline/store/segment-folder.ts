import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { ifThere } from "#platform/files.ts";

import { explained, isAlive, publish, writeSafe } from "./files.ts";
import { readFooter } from "./parquet/read-footer.ts";
import { FOOTER_KEY, FOOTER_VERSION, type Segment, SegmentFooter } from "./segment-footer.ts";
import {
  compareIds,
  isSegmentId,
  madeBy,
  madeMs,
  newSegmentId,
  type SegmentId,
} from "./segment-id.ts";

const SUFFIX = ".parquet";
/** A file that nobody finished in this time is left over from a process that is gone. */
const LEFTOVER_MS = 60 * 60_000;
const READS_AT_ONCE = 16;

/** What counts now, in order of ids; and what others replaced but still lies there. */
export type Listing = { segments: Segment[]; replaced: Segment[] };

/**
 * The folder of segments: `events/<id>.parquet` holds the rows and, in its footer, all that makes it a transaction;
 * `rollups/<id>.parquet` its cells, there before it. A segment counts from the moment its event file has its name,
 * until another one that names it in `replaces` has. Several processes may write and read here at the same time.
 */
export class SegmentFolder {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #known = new Map<SegmentId, Segment>();
  readonly #problems = new Map<string, string>();
  #newestMs = 0;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
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

  /** Where files are written before they get their names. */
  get scratch(): string {
    return join(this.folder, "tmp");
  }

  eventsPath(id: SegmentId): string {
    return join(this.folder, "events", id + SUFFIX);
  }

  rollupPath(id: SegmentId): string {
    return join(this.folder, "rollups", id + SUFFIX);
  }

  /** Makes the folders, and removes what a killed process left over. */
  async prepare(): Promise<void> {
    for (const name of ["events", "rollups", "tmp", "broken", "schema"]) {
      await mkdir(join(this.folder, name), { recursive: true, mode: 0o700 });
    }
    for (const name of await readdir(join(this.folder, "broken"))) {
      this.#problems.set(
        name,
        `${join(this.folder, "broken", name)} could not be read and was moved there`,
      );
    }
    await this.#removeLeftovers();
    await this.list();
  }

  /** A new id, greater than all that were seen here, even if the clock was set back. */
  nextId(): SegmentId {
    this.#newestMs = Math.max(this.#newestMs + 1, this.#clock.nowMs());
    return newSegmentId(this.#newestMs);
  }

  /** Reads the folder again; footers are read once. */
  async list(): Promise<Listing> {
    const ids = await this.#ids("events");
    const there = new Set(ids);
    for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
    const unknown = ids.filter((id) => !this.#known.has(id));
    for (let i = 0; i < unknown.length; i += READS_AT_ONCE) {
      await Promise.all(unknown.slice(i, i + READS_AT_ONCE).map((id) => this.#learn(id)));
    }
    const last = ids.at(-1);
    if (last) this.#newestMs = Math.max(this.#newestMs, madeMs(last));
    return visible([...this.#known.values()].toSorted((a, b) => compareIds(a.id, b.id)));
  }

  /** Keeps the bytes as the segment's files, or nothing at all. */
  async append(id: SegmentId, events: Buffer[], rollup: Buffer[] | undefined): Promise<void> {
    try {
      const paths = await writeAll(this.scratch, { events, rollup });
      await this.commit(id, paths);
    } catch (error) {
      throw explained(error, this.folder);
    }
  }

  /** Gives the written files their names: the rollup first, so that rows and cells appear by one rename. */
  async commit(id: SegmentId, paths: Written): Promise<void> {
    try {
      if (paths.rollup) await publish(paths.rollup, this.rollupPath(id));
      await publish(paths.events, this.eventsPath(id));
    } catch (error) {
      for (const path of [paths.events, this.eventsPath(id), paths.rollup, this.rollupPath(id)]) {
        if (path) await rm(path, { force: true });
      }
      throw error;
    }
  }

  /** Removes a segment that does not count any more: the event file first, so that no row is ever without its cells. */
  async remove(id: SegmentId): Promise<void> {
    await rm(this.eventsPath(id), { force: true });
    await rm(this.rollupPath(id), { force: true });
    this.#known.delete(id);
  }

  /** Takes a file that cannot be read out of the way and remembers why. */
  async moveAside(name: string, reason: string): Promise<void> {
    const target = join(this.folder, "broken", name);
    await ifThere(rename(join(this.folder, "events", name), target));
    this.#problems.set(name, `${name} cannot be read: ${reason}. It was moved to ${target}`);
  }

  /** All ids of a folder in order; files that cannot be segments are moved aside. */
  async #ids(kind: "events" | "rollups"): Promise<SegmentId[]> {
    const ids: SegmentId[] = [];
    for (const name of await readdir(join(this.folder, kind))) {
      const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
      if (isSegmentId(id) && name !== id) ids.push(id);
      else if (kind === "events") await this.moveAside(name, "its name is not one of a segment");
    }
    return ids.toSorted(compareIds);
  }

  async #learn(id: SegmentId): Promise<void> {
    const name = id + SUFFIX;
    try {
      const segment = await ifThere(readSegment(this.eventsPath(id)));
      if (!segment) return;
      if (segment.id === id) this.#known.set(id, segment);
      else await this.moveAside(name, `it is a copy of ${segment.id}`);
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (error instanceof RangeError) await this.moveAside(name, error.message);
      else
        this.#problems.set(name, `${this.eventsPath(id)} cannot be opened (${errorCode(error)})`);
    }
  }

  async #removeLeftovers(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const events = new Set<string>(await this.#ids("events"));
    for (const id of await this.#ids("rollups")) {
      const isOld = nowMs - madeMs(id) > LEFTOVER_MS;
      if (!events.has(id) && (isOld || !isAlive(madeBy(id)))) {
        await rm(this.rollupPath(id), { force: true });
      }
    }
    for (const name of await readdir(this.scratch)) {
      const path = join(this.scratch, name);
      const info = await ifThere(stat(path));
      const isOld = info !== undefined && nowMs - info.mtimeMs > LEFTOVER_MS;
      const pid = Number.parseInt(name, 10);
      if (isOld || !isAlive(pid)) await rm(path, { recursive: true, force: true });
    }
  }
}

type Written = { events: string; rollup: string | undefined };

async function writeAll(
  folder: string,
  parts: { events: Buffer[]; rollup: Buffer[] | undefined },
): Promise<Written> {
  const events = await writeSafe(folder, parts.events);
  try {
    return { events, rollup: parts.rollup && (await writeSafe(folder, parts.rollup)) };
  } catch (error) {
    await rm(events, { force: true });
    throw error;
  }
}

/** Undefined footers, foreign files and such end in a RangeError that says what is wrong. */
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
 * Two compactors at once, which the lock keeps from happening, would both replace the same segments: then only the one
 * with the smaller id counts, whoever reads.
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
