import { isDeepStrictEqual } from "node:util";

import type { Positions, ReadPositions, SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";
import { contendForLease, type Lease, tryLease } from "#platform/lease/lease.ts";

import { Identifier } from "./identify.ts";
import type { FileSourceOptions } from "./options.ts";
import type { Identity, Stream, TrackedFile } from "./tracked-file.ts";

/** The streams in the files. Of all processes with this data folder, one at a time reads a stream. */
export class SharedStreams {
  readonly #options: FileSourceOptions;
  readonly #streams = new Map<SourceId, Stream>();
  readonly #leases = new Map<SourceId, Lease>();
  #readPositions: ReadPositions = () => Promise.resolve(new Map());
  #stored: Positions = new Map();
  #identifier = new Identifier(this.#streams, this.#stored);

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  async begin(positions: ReadPositions): Promise<void> {
    this.#streams.clear();
    this.#readPositions = positions;
    await this.#updatePositions();
  }

  /** Identifies the stream in the file, and whether this process may read it. */
  async identify(file: TrackedFile, lastLineCounts: boolean): Promise<Identity> {
    file.rewind();
    const identity = await this.#identifier.identify(file, lastLineCounts);
    if (identity.state !== "reading") return identity;
    const { stream } = identity;
    const right = await this.#take(stream.id);
    if (right === "held") return identity;
    if (right === "new" && !(await this.#hasMoved(stream.id))) return identity;
    // Another process reads the stream, or has read more of it since the positions were loaded.
    stream.holder = undefined;
    this.#streams.delete(stream.id);
    return right === "new" ? this.identify(file, lastLineCounts) : { state: "claimed", stream };
  }

  /** Checks in memory, without access to the file system. */
  throwIfLost(): void {
    if ([...this.#leases.values()].some(({ lost }) => lost.aborted)) throw lostError();
  }

  /** @throws AppError when another process has taken over, so that the lines read must not be stored */
  async confirm(): Promise<void> {
    this.throwIfLost();
    // All leases have the same heartbeat.
    const [lease] = this.#leases.values();
    if (lease && !(await lease.confirm())) throw lostError();
  }

  /** Lets other processes continue; call it once everything read is stored. */
  async release(): Promise<void> {
    for (const lease of this.#leases.values()) await lease.release();
    this.#leases.clear();
  }

  async #take(id: SourceId): Promise<"held" | "new" | "denied"> {
    const { locksFolder, follow } = this.#options;
    if (locksFolder === undefined || this.#leases.has(id)) return "held";
    // A file that is read once is not checked again later.
    const found = follow
      ? { lease: await tryLease(locksFolder, id) }
      : await contendForLease(locksFolder, id);
    if (!("lease" in found) || !found.lease) return "denied";
    this.#leases.set(id, found.lease);
    return "new";
  }

  async #hasMoved(id: SourceId): Promise<boolean> {
    const before = this.#stored.get(id);
    await this.#updatePositions();
    return !isDeepStrictEqual(before, this.#stored.get(id));
  }

  async #updatePositions(): Promise<void> {
    this.#stored = await this.#readPositions();
    this.#identifier = new Identifier(this.#streams, this.#stored);
  }
}

const lostError = (): AppError =>
  new AppError(
    "conflict",
    "another process took over reading the log files because this one was suspended",
  );
