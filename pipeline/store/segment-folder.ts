import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { ifExists } from "#platform/files.ts";

import { explained, publish, writeSafe } from "./files.ts";
import type { StoreProblem } from "./port.ts";
import { madeMs, newSegmentId, type SegmentId } from "./segment-id.ts";
import { type Listing, SegmentList, segmentIdsIn, SUFFIX } from "./segment-list.ts";
import { StoreWriter } from "./store-writer.ts";

/**
 * The folder of segments: `events/<id>.parquet` holds the rows and, in its footer, the description of the segment;
 * `rollups/<id>.parquet`, which is written before, holds its cells. A segment counts from the moment its event file
 * gets its name until a segment that lists it in `replaces` does. Several processes may write and read at the same
 * time. Reading changes nothing in the folder.
 */
export class SegmentFolder implements AsyncDisposable {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #writer: StoreWriter;
  readonly #list: SegmentList;
  #newestMs = 0;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
    this.#writer = new StoreWriter(folder);
    this.#list = new SegmentList(folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }

  get problems(): readonly StoreProblem[] {
    return this.#list.problems;
  }

  /** Adds a failed operation to `problems` until it is removed. */
  noteProblem(name: string, text: string): void {
    this.#list.noteProblem(name, text);
  }

  forgetProblem(name: string): void {
    this.#list.forgetProblem(name);
  }

  /** The folder of incomplete files. */
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

  /** Creates the folders, and reads their content. */
  async prepare(): Promise<void> {
    for (const name of ["events", "rollups", "tmp", "broken", "schema"]) {
      await mkdir(join(this.folder, name), { recursive: true, mode: 0o700 });
    }
    await this.#list.noteBroken();
    await this.list();
  }

  /** A new id, greater than all known ids, even if the clock was set back. */
  async nextId(): Promise<SegmentId> {
    const token = await this.#writer.token();
    this.#newestMs = Math.max(this.#newestMs + 1, this.#clock.nowMs());
    return newSegmentId(this.#newestMs, token);
  }

  /** Reads the folder again; footers are read once. Returns the same object if nothing has changed. */
  async list(): Promise<Listing> {
    const names = await readdir(join(this.folder, "events"));
    const ids = segmentIdsIn(names);
    await this.#list.update(names, ids);
    const last = ids.at(-1);
    if (last) this.#newestMs = Math.max(this.#newestMs, madeMs(last));
    return this.#list.listing;
  }

  async eventIds(): Promise<SegmentId[]> {
    return segmentIdsIn(await readdir(join(this.folder, "events")));
  }

  async rollupIds(): Promise<SegmentId[]> {
    return segmentIdsIn(await readdir(join(this.folder, "rollups")));
  }

  /**
   * Stores the bytes as the files of a segment, atomically. False if `isValid` was false when everything was written;
   * then nothing is stored.
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
   * Renames the written files: the rollup first, so that rows and cells appear by one rename. Right before that,
   * `isValid` is checked; if it is false, the files are removed.
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

  /** Removes a segment that no longer counts: the event file first, so that rows never lack their cells. */
  async remove(id: SegmentId): Promise<void> {
    await rm(this.eventsPath(id), { force: true });
    await rm(this.rollupPath(id), { force: true });
    this.#list.forget(id);
  }

  /** Moves files that cannot be read to `broken/`. Must be called by the holder of the compaction lease. */
  async moveDamaged(): Promise<void> {
    for (const name of this.#list.damagedNames()) {
      const reason = await this.#list.readAgain(name);
      if (reason === undefined) continue;
      const target = join(this.folder, "broken", name);
      await ifExists(rename(join(this.folder, "events", name), target));
      this.#list.noteMoved(name, `${name} cannot be read: ${reason}. It was moved to ${target}`);
    }
  }
}

type Bytes = { events: Buffer[]; rollup: Buffer[] | undefined };
type Written = { events: string; rollup: string | undefined };

async function removeAll(paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) if (path !== undefined) await rm(path, { force: true });
}
