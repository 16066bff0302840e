import { randomUUID } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import { checksumOf } from "./checksum.ts";
import { allDone, explained, publish, removeAll, writeSafe } from "./files.ts";
import { checksumsOf, type SegmentPaths, writeManifest } from "./manifest.ts";
import type { StoreProblem } from "./port.ts";
import { prepareFolders, type TemporaryFolder } from "./prepare-folders.ts";
import type { Segment, SegmentFooter } from "./segment-footer.ts";
import { type FileKind, SegmentHealth } from "./segment-health.ts";
import { madeMs, newSegmentId, type SegmentId } from "./segment-id.ts";
import { type Listing, manifestName, SegmentList, segmentIdsIn, SUFFIX } from "./segment-list.ts";
import { brokenManifest, brokenRollup, incomplete } from "./store-problems.ts";
import { StoreWriter } from "./store-writer.ts";

/**
 * The folder of segments: `events/<id>.parquet` holds the rows and, in its footer, the description of the segment;
 * `rollups/<id>.parquet` holds its cells, and `manifests/<id>.json` verifies both; these are written before.
 * `filters/<id>.grams` is added later, to large segments, so that searches can skip them. A segment
 * counts from the moment its event file gets its name until a segment that lists it in `replaces` does. Several
 * processes may write and read at the same time. Reading changes nothing in the folder.
 */
export class SegmentFolder implements AsyncDisposable {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #writer: StoreWriter;
  readonly #list: SegmentList;
  readonly health: SegmentHealth;
  #newestMs = 0;
  #temporary: TemporaryFolder | undefined;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
    this.#writer = new StoreWriter(folder);
    this.#list = new SegmentList(folder);
    this.health = new SegmentHealth({
      list: this.#list,
      pathOf: (kind, id) => (kind === "events" ? this.eventsPath(id) : this.rollupPath(id)),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
    await this.#temporary?.[Symbol.asyncDispose]();
  }

  get problems(): readonly StoreProblem[] {
    return this.#list.problems.all;
  }

  /** Adds a failed operation to `problems` until it is removed. */
  noteProblem(name: string, message: string, kind?: "upkeep" | "clock" | "space"): void {
    this.#list.problems.noteOperation(name, message, kind);
  }

  /** Adds a file that was written again to `problems`. */
  noteRepaired(name: string, text: string): void {
    this.#list.problems.noteFile(name, text, "repaired");
  }

  forgetProblem(name: string): void {
    this.#list.problems.forgetOperation(name);
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

  manifestPath(id: SegmentId): string {
    return join(this.folder, manifestName(id));
  }

  filterPath(id: SegmentId): string {
    return join(this.folder, "filters", id + FILTER_SUFFIX);
  }

  /** The files that a segment may have besides its event file. */
  companionPaths(id: SegmentId): string[] {
    return [this.rollupPath(id), this.manifestPath(id), this.filterPath(id)];
  }

  /** Creates the folders if they do not exist and may be written to, and reads their content. */
  async prepare(): Promise<void> {
    this.#temporary = await prepareFolders(this.folder);
    await this.#list.problems.noteBroken();
    await this.#update();
  }

  /** A folder for temporary files of readers: in the store, or elsewhere if the store may only be read. */
  get temporary(): string {
    return this.#temporary?.path ?? this.scratch;
  }

  /** A new id, greater than all known ids, even if the clock was set back. */
  async nextId(): Promise<SegmentId> {
    const token = await this.#writer.token();
    this.#newestMs = Math.max(this.#newestMs + 1, this.#clock.nowMs());
    return newSegmentId(this.#newestMs, token);
  }

  /**
   * Reads the folder again; descriptions of segments are read once. Returns the same object if nothing has changed. While
   * the folder cannot be read, because too many files are open for example, it returns the last listing.
   */
  async list(): Promise<Listing> {
    try {
      await this.#update();
      this.#list.problems.forgetOperation(UNREADABLE);
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.#list.problems.noteOperation(
        UNREADABLE,
        `${UNREADABLE} (${code}): answers may lack new events`,
      );
    }
    return this.#list.listing;
  }

  /**
   * Like `list`, with every segment: without one of them, positions would be earlier than they are.
   * @throws AppError unavailable if a segment or the folder cannot be opened now
   */
  async listAll(): Promise<Listing> {
    await this.#update().catch((error: unknown) => {
      throw error instanceof AppError ? error : incomplete(this.folder, error);
    });
    if (!this.#list.isComplete) throw incomplete(this.folder);
    return this.#list.listing;
  }

  /** Adds the files that any process has moved to `broken/` to `problems`. */
  noteBroken(): Promise<void> {
    return this.#list.problems.noteBroken();
  }

  find(id: SegmentId): Segment | undefined {
    return this.#list.find(id);
  }

  /**
   * Stores the bytes as the files of a segment, atomically. False if `isValid` was false when everything was written;
   * then nothing is stored.
   */
  async append(
    footer: SegmentFooter,
    bytes: Bytes,
    isValid: () => Promise<boolean>,
  ): Promise<boolean> {
    const { events, rollup } = bytes;
    const checksums = { events: checksumOf(events), rollup: rollup ? checksumOf(rollup) : null };
    const drafts: Drafts = {
      events: await this.scratchPath(),
      rollup: rollup && (await this.scratchPath()),
      manifest: await this.scratchPath(),
    };
    try {
      // At once, because the disk may then flush them together.
      await allDone([
        writeSafe(drafts.events, events),
        ...(rollup && drafts.rollup ? [writeSafe(drafts.rollup, rollup)] : []),
        writeManifest(drafts.manifest, { footer, checksums }),
      ]);
      return await this.#publish(footer.id, drafts, isValid);
    } catch (error) {
      await removeAll(Object.values(drafts));
      throw explained(error, this.folder);
    }
  }

  /** Stores the written files as those of a segment, like `append`. */
  async commit(
    footer: SegmentFooter,
    paths: SegmentPaths,
    isValid: () => Promise<boolean>,
  ): Promise<boolean> {
    const manifest = await this.scratchPath();
    await writeManifest(manifest, { footer, checksums: await checksumsOf(paths) });
    return this.#publish(footer.id, { ...paths, manifest }, isValid);
  }

  /**
   * Renames the written files: the event file last, so that everything appears by one rename. Right before that,
   * `isValid` is checked; if it is false, the files are removed.
   */
  async #publish(id: SegmentId, drafts: Drafts, isValid: () => Promise<boolean>): Promise<boolean> {
    const { events, rollup, manifest } = drafts;
    let isDone = false;
    try {
      await allDone([
        publish(manifest, this.manifestPath(id)),
        ...(rollup ? [publish(rollup, this.rollupPath(id))] : []),
      ]);
      if (!(await isValid())) return false;
      await publish(events, this.eventsPath(id));
      isDone = true;
      return true;
    } finally {
      if (!isDone) {
        const published = [this.eventsPath(id), ...this.companionPaths(id)];
        await removeAll([...Object.values(drafts), ...published]);
      }
    }
  }

  /**
   * Writes the manifest of a segment that has none, or a damaged one, which is moved to `broken/`. Must be called by the
   * holder of the compaction lease.
   */
  async addManifest(id: SegmentId): Promise<void> {
    const segment = this.#list.find(id);
    if (!segment) return;
    const { bytes: _bytes, checksums: known, ...footer } = segment;
    const rollup = segment.cells ? this.rollupPath(id) : undefined;
    const checksums = known ?? (await checksumsOf({ events: this.eventsPath(id), rollup }));
    await ifExists(rename(this.manifestPath(id), this.#brokenPath(brokenManifest(id))));
    const draft = await this.scratchPath();
    await writeManifest(draft, { footer, checksums });
    await publish(draft, this.manifestPath(id));
    this.#list.setChecksums(id, checksums);
  }

  /** Removes a segment that no longer counts: the event file first, so that rows never lack their cells. */
  async remove(id: SegmentId): Promise<void> {
    await removeAll([this.eventsPath(id), ...this.companionPaths(id)]);
    this.#forget(id);
  }

  /** Moves a damaged file of a segment that no longer counts to `broken/`. */
  async moveToBroken(id: SegmentId, kind: FileKind): Promise<void> {
    if (kind === "rollup") {
      await ifExists(rename(this.rollupPath(id), this.#brokenPath(brokenRollup(id))));
      this.health.forget(id);
      return;
    }
    await ifExists(rename(this.eventsPath(id), this.#brokenPath(id + SUFFIX)));
    await removeAll(this.companionPaths(id));
    this.#forget(id);
  }

  /** Moves files that cannot be read to `broken/`. Must be called by the holder of the compaction lease. */
  async moveDamaged(): Promise<void> {
    for (const name of this.#list.damagedNames()) {
      const reason = await this.#list.readAgain(name);
      if (reason === undefined) continue;
      const target = this.#brokenPath(name);
      await ifExists(rename(join(this.folder, "events", name), target));
      this.#list.forgetDamaged(name);
      this.#list.problems.noteMoved(
        name,
        `${name} cannot be read: ${reason}. It was moved to ${target}`,
      );
    }
  }

  async #update(): Promise<void> {
    const names = await readdir(join(this.folder, "events"));
    const ids = segmentIdsIn(names);
    for (const id of await this.#list.update(names, ids)) this.health.forget(id);
    const last = ids.at(-1);
    if (last) this.#newestMs = Math.max(this.#newestMs, madeMs(last));
  }

  #forget(id: SegmentId): void {
    this.#list.forget(id);
    this.health.forget(id);
  }

  #brokenPath(name: string): string {
    return join(this.folder, "broken", name);
  }
}

const FILTER_SUFFIX = ".grams";
const UNREADABLE = "the folder of the events cannot be read now";

type Bytes = { events: Buffer[]; rollup: Buffer[] | undefined };
/** Written files that do not have their final names. */
type Drafts = SegmentPaths & { manifest: string };
