import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { OpenSource } from "#collectors/configured/source-kind.ts";
import type { Chunk, ReadPositions, SourceId, SourceStatus } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Sample, Sampler, ServerAddress } from "./sampler.ts";

const ID_CHARS = 24;

export type StatisticsOptions = {
  /** Its id in the configuration, which names the server in its events. */
  id: string;
  server: Pick<ServerAddress, "host" | "port">;
  everyMs: number;
  clock: Clock;
};

type State = Pick<SourceStatus, "level" | "message">;

/**
 * The statistics of a database server, sampled at multiples of an interval. A sample is stored once: after a restart, the
 * next one is that of the next interval. What was not sampled, because the server or this process did not run, cannot be
 * read later.
 */
export class StatisticsSource implements OpenSource {
  readonly #options: StatisticsOptions;
  readonly #sampler: Sampler;
  readonly #sourceId: SourceId;
  #state: State = { level: "info", message: "is sampled for the first time" };

  constructor(options: StatisticsOptions, sampler: Sampler) {
    this.#options = options;
    this.#sampler = sampler;
    const name = `statistics ${options.id} ${this.#address}`;
    this.#sourceId = `src_${hash("sha256", name).slice(0, ID_CHARS)}`;
  }

  get #address(): string {
    const { host, port } = this.#options.server;
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  status(): SourceStatus[] {
    return [{ path: `${this.#sampler.product} ${this.#address}`, ...this.#state }];
  }

  async *read(positions: ReadPositions, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const { clock } = this.#options;
    const stored = (await positions()).get(this.#sourceId);
    let offset = Number(stored?.["bytes"] ?? 0);
    let sampledMs = Number(stored?.["sampledMs"] ?? Number.NEGATIVE_INFINITY);
    while (!signal.aborted) {
      await this.#waitUntilDue(sampledMs, signal);
      if (signal.aborted) return;
      sampledMs = clock.nowMs();
      const bytes = await this.#sample(sampledMs);
      if (bytes.length === 0) continue;
      const position = { bytes: offset + bytes.length, sampledMs };
      yield {
        sourceId: this.#sourceId,
        path: "",
        bytes,
        offset,
        position,
        bytesSkipped: 0,
        header: { format: "ecs", fields: {} },
      };
      offset = position.bytes;
    }
  }

  /** A sample has a connection of its own, so nothing is open between them. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** Until the interval after that of the sample before; at most for one, whatever the clock does. */
  async #waitUntilDue(sampledMs: number, signal: AbortSignal): Promise<void> {
    const { everyMs, clock } = this.#options;
    const dueMs = (Math.floor(sampledMs / everyMs) + 1) * everyMs;
    const waitMs = Math.min(dueMs - clock.nowMs(), everyMs);
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }

  /** The lines of a sample; none if it failed. */
  async #sample(nowMs: number): Promise<Buffer> {
    try {
      const sample = await this.#sampler.sample();
      this.#state = stateOf(sample);
      return this.#lines(sample, nowMs);
    } catch (error) {
      this.#state = { level: "error", message: `could not be sampled: ${reasonOf(error)}` };
      return Buffer.alloc(0);
    }
  }

  #lines({ events }: Sample, nowMs: number): Buffer {
    const common = {
      "@timestamp": new Date(nowMs).toISOString(),
      "data_stream.dataset": this.#sampler.dataset,
      "event.kind": "metric",
      "event.category": ["database"],
      "event.type": ["info"],
      "service.name": this.#options.id,
      "service.address": this.#address,
    };
    return Buffer.from(events.map((it) => `${JSON.stringify({ ...common, ...it })}\n`).join(""));
  }
}

function stateOf({ events, advice }: Sample): State {
  const read = `is sampled; ${events.length} events in the last sample`;
  return advice.length === 0
    ? { level: "info", message: read }
    : { level: "warning", message: [read, ...advice].join("; ") };
}

function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? error.message.slice(0, 300) : "it failed without a reason";
}
