import { hash } from "node:crypto";

import type { BusProducer } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";

import { IdFile, type SeenId } from "./id-file.ts";

type Entry = { atMs: number; done: Promise<void> };

type Bounds = {
  /** Ids that are remembered. */
  idsMax: number;
  /** For so long. */
  msMax: number;
  /** The `identities` of the records on the bus whose `identity` is such an id. */
  scope: string;
};

const HASH_DIGITS = 16;
const DONE = Promise.resolve();

/** Does something once for each id, within a time and for a number of ids, also after a restart. */
export class RecentIds {
  readonly #bounds: Bounds;
  readonly #clock: Clock;
  readonly #file: IdFile;
  /** By the hash of the id; the oldest first. */
  readonly #entries = new Map<string, Entry>();

  /** Knows the ids in the file, and those of the records that were appended to the bus last. */
  static async open(
    bounds: Bounds,
    { bus, file, clock }: { bus: Pick<BusProducer, "recent">; file: string; clock: Clock },
  ): Promise<RecentIds> {
    const recent = new RecentIds(bounds, file, clock);
    for await (const { header } of bus.recent()) {
      if (header.identities !== bounds.scope || header.identity === undefined) continue;
      recent.#add({ hash: hashOf(header.identity), atMs: header.receivedMs ?? clock.nowMs() });
    }
    recent.#write(() => recent.#writeFile());
    return recent;
  }

  private constructor(bounds: Bounds, file: string, clock: Clock) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#file = new IdFile(file, bounds.idsMax);
    for (const id of this.#file.read()) this.#add(id);
  }

  /** Does it unless it was done, or waits while it is being done. After a failure it may be done again. */
  once(id: string, act: () => Promise<void>): Promise<void> {
    const key = hashOf(id);
    const nowMs = this.#clock.nowMs();
    const known = this.#entries.get(key);
    if (known && this.#isRecent(known)) return known.done;
    const done = act();
    this.#set(key, { atMs: nowMs, done });
    done.then(
      () => this.#keep({ hash: key, atMs: nowMs }),
      () => {
        if (this.#entries.get(key)?.done === done) this.#entries.delete(key);
      },
    );
    return done;
  }

  close(): void {
    this.#file.close();
  }

  #isRecent({ atMs }: { atMs: number }): boolean {
    return Math.abs(this.#clock.nowMs() - atMs) <= this.#bounds.msMax;
  }

  #add({ hash: key, atMs }: SeenId): void {
    if (this.#isRecent({ atMs })) this.#set(key, { atMs, done: DONE });
  }

  #set(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#bounds.idsMax && oldest !== undefined) {
      this.#entries.delete(oldest);
    }
  }

  #keep(id: SeenId): void {
    this.#write(() => {
      if (this.#file.isLarge) this.#writeFile();
      else this.#file.append(id);
    });
  }

  /** Without the file, as while the disk is full, the ids are known until the next restart, and those on the bus after it. */
  #write(write: () => void): void {
    try {
      write();
    } catch {
      this.#file.close();
    }
  }

  #writeFile(): void {
    const recent = [...this.#entries].filter(([, entry]) => this.#isRecent(entry));
    this.#file.write(recent.map(([key, { atMs }]) => ({ hash: key, atMs })));
  }
}

const hashOf = (id: string): string => hash("sha256", id, "hex").slice(0, HASH_DIGITS);
