import { randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { send } from "#deployer/edge/testing/client.ts";

const CLIENTS = 3;
const PAUSE_MS = 90;
const WRITE_EVERY = 10;
const ANSWER_MS_MAX = 15_000;

/** What clients got since the counts were taken last. */
export type LoadCounts = {
  requests: number;
  /** Answered by the release. */
  exposed: number;
  /** Answers of the release with an error; those of kinds that answer with errors are no failures of the edge. */
  errors: number;
  /** All others that were not answered as they should be, for people. */
  failed: string[];
};

type Watched = { release: string; answersWithErrors: boolean };
type Answer = { status: number; release: string | undefined };

/** A few clients of one workload, on kept connections: GET, and each tenth a POST with a key. They repeat nothing. */
export class LightLoad {
  readonly #urls: readonly string[];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;
  #counts = newCounts();
  #watched: Watched = { release: "", answersWithErrors: false };

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#running = Promise.all(Array.from({ length: CLIENTS }, (_, at) => this.#client(at)));
  }

  /** Counts from now on what the release answers. */
  watch(watched: Watched): void {
    this.#watched = watched;
    this.#counts = newCounts();
  }

  get counts(): LoadCounts {
    return this.#counts;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#agent.destroy();
  }

  async #client(first: number): Promise<void> {
    for (let turn = first; !this.#stopping.signal.aborted; turn += 1) {
      const counts = this.#counts;
      const watched = this.#watched;
      try {
        count(counts, watched, await this.#exchange(turn));
      } catch (error) {
        counts.failed.push(`${new Date().toISOString()} ${String(error)}`);
      }
      counts.requests += 1;
      await delay(PAUSE_MS);
    }
  }

  async #exchange(turn: number): Promise<Answer> {
    const write = { method: "POST", body: "{}", headers: { "idempotency-key": randomUUID() } };
    const { status, headers } = await send(`${this.#urls[turn % this.#urls.length]}/work/${turn}`, {
      ...(turn % WRITE_EVERY === 0 ? write : {}),
      agent: this.#agent,
      msMax: ANSWER_MS_MAX,
    });
    const release = headers["x-release"];
    return { status, release: typeof release === "string" ? release : undefined };
  }
}

const newCounts = (): LoadCounts => ({ requests: 0, exposed: 0, errors: 0, failed: [] });

function count(counts: LoadCounts, watched: Watched, { status, release }: Answer): void {
  const isExposed = release === watched.release;
  if (isExposed) counts.exposed += 1;
  if (status === 200 && release !== undefined) return;
  if (isExposed && watched.answersWithErrors && status === 500) counts.errors += 1;
  else counts.failed.push(`${new Date().toISOString()} ${status} of ${release ?? "the edge"}`);
}
