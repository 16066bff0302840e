import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "#platform/errors.ts";
import { type Lease, tryLease } from "#platform/lease/lease.ts";

import type { Chunk, ReadPositions, Revocation, SourceStatus } from "../source.ts";
import type { OpenSource, SourceDeps } from "./source-kind.ts";
import type { ConfiguredSource } from "./sources-file.ts";

type Item = Chunk | Revocation;

const RETRY_MS = { first: 1_000, max: 60_000 };
/** How long a source must be read without a failure until the next one is retried quickly again. */
const STABLE_MS = 60_000;
/** Another process reads the source: how often its lease is tried. */
const LEASE_EVERY_MS = 5_000;
const PARTS_MAX = 100;

/** One configured source: waits for its lease, opens and reads it, and does so again after a failure. */
export class RunningSource {
  readonly source: ConfiguredSource;
  readonly #deps: Omit<SourceDeps, "id">;
  readonly #stopping = new AbortController();
  #items: AsyncGenerator<Item, void> | undefined;
  #lease: Lease | undefined;
  #open: OpenSource | undefined;
  #state: Omit<SourceStatus, "path" | "source"> = { level: "info", message: "is being opened" };
  /** Whether its last item was taken. */
  isEnded = false;

  constructor(source: ConfiguredSource, deps: Omit<SourceDeps, "id">) {
    this.source = source;
    this.#deps = deps;
  }

  start(positions: ReadPositions): void {
    this.#items = this.#run(positions);
  }

  next(): Promise<IteratorResult<Item>> {
    if (!this.#items) throw new Error("start comes first");
    return this.#items.next();
  }

  stop(): void {
    this.#stopping.abort();
  }

  status(): SourceStatus[] {
    const { id, kind } = this.source;
    const own = { path: `${kind.title} ${id}`, ...this.#state };
    const parts = this.#open?.status().slice(0, PARTS_MAX) ?? [];
    const shown = parts.length > 0 && this.#state.level === "info" ? parts : [own, ...parts];
    return shown.map((status) => ({ ...status, source: id }));
  }

  /** @throws AppError when another process has taken over, so that the lines read must not be stored */
  async confirm(): Promise<void> {
    if (this.#lease && !(await this.#lease.confirm())) throw lostError(this.source.id);
    await this.#open?.confirm?.();
  }

  /** Lets another process continue; call it once everything read is stored. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.[Symbol.asyncDispose]();
    await this.#lease?.release();
    this.#lease = undefined;
  }

  async *#run(positions: ReadPositions): AsyncGenerator<Item, void> {
    const { signal } = this.#stopping;
    for (let waitMs = RETRY_MS.first; !signal.aborted;) {
      if (!(await this.#takeLease(signal))) return;
      const startedMs = performance.now();
      const failure = yield* this.#readOnce(positions);
      // Everything read of it is stored before it is closed, and reading continues from there.
      yield { revokedSource: this.source.id };
      await this.close();
      if (signal.aborted || failure === undefined) return;
      if (performance.now() - startedMs > STABLE_MS) waitMs = RETRY_MS.first;
      const next = `it is opened again in ${Math.round(waitMs / 1_000)} s`;
      this.#state = { level: "error", message: `${reasonOf(failure)}; ${next}` };
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, RETRY_MS.max);
    }
  }

  /** Returns what failed; undefined if the source has ended. */
  async *#readOnce(positions: ReadPositions): AsyncGenerator<Item, unknown> {
    const { id, kind, properties } = this.source;
    try {
      const open = await kind.open?.(properties, { ...this.#deps, id });
      if (!open) return undefined;
      this.#open = open;
      this.#state = { level: "info", message: "is read" };
      for await (const item of open.read(positions, this.#stopping.signal)) {
        if (this.#lease?.lost.aborted) throw lostError(id);
        yield "bytes" in item ? { ...item, source: id } : item;
      }
      this.#state = { level: "info", message: "was read to its end" };
      return undefined;
    } catch (error) {
      return error ?? new Error("it failed without a reason");
    }
  }

  /** False if the source was stopped while another process was reading it. */
  async #takeLease(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      this.#lease = await tryLease(this.#deps.locksFolder, `source-${this.source.id}`);
      if (this.#lease) return true;
      const message = "is read by another Quarterdeck process with the same data folder";
      this.#state = { level: "info", message };
      await delay(LEASE_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return false;
  }
}

const reasonOf = (error: unknown): string => {
  if (error instanceof AppError) return error.message;
  return `failed: ${error instanceof Error ? error.message : String(error)}`;
};

const lostError = (id: string): AppError =>
  new AppError(
    "conflict",
    `another process took over reading the source ${id} because this one was suspended`,
  );
