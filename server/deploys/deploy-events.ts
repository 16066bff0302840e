import type { Change } from "#deployer/journal/port.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import type { BusProducer, BusRecord } from "#pipeline/bus/port.ts";
import type { Log } from "#platform/log.ts";

import { deployEvents } from "./views/event.ts";

const STREAM = "quarterdeck deploys";
const RETRY_MS = { first: 500, max: 30_000 };
const KNOWN_MAX = 10_000;
/** Older lines were written by the process before. */
const AGE_MS_MAX = 10 * 60_000;

type Event = { "@timestamp": string; "event.id": string } & Readonly<Record<string, unknown>>;

/**
 * Writes the history of deploys into the store, for markers on charts: each line is an event with an id of its own. Lines that wait
 * are lost with the process, so the next one writes those of the last minutes again unless the bus still has them. An event may
 * therefore be stored twice, with the same id.
 */
export class DeployEvents {
  readonly #bus: Pick<BusProducer, "append" | "recent">;
  readonly #log: Log;
  readonly #known = new Set<string>();
  #waiting: Event[] = [];
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(bus: Pick<BusProducer, "append" | "recent">, log: Log) {
    this.#bus = bus;
    this.#log = log;
  }

  static async open(bus: Pick<BusProducer, "append" | "recent">, log: Log): Promise<DeployEvents> {
    const events = new DeployEvents(bus, log);
    for await (const record of bus.recent()) {
      if (record.header.stream === STREAM) for (const id of idsIn(record)) events.#known.add(id);
    }
    return events;
  }

  add({ deploys = [] }: Pick<Change, "deploys">): void {
    this.addEvents(deploys.flatMap(deployEvents));
  }

  /** Those that are old or known already are left out. */
  addEvents(all: readonly Event[]): void {
    const fromMs = Date.now() - AGE_MS_MAX;
    const events = all.filter(
      (it) => Date.parse(it["@timestamp"]) >= fromMs && this.#isNew(it["event.id"]),
    );
    if (events.length === 0) return;
    this.#waiting.push(...events);
    void this.#flush();
  }

  /** Resolves when everything that was added is durable. */
  async written(deploy: Deploy): Promise<void> {
    this.add({ deploys: [deploy] });
    while (this.#waiting.length > 0 && !this.#isClosed) await this.#flush();
  }

  close(): void {
    this.#isClosed = true;
  }

  #isNew(id: string): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
    return true;
  }

  #flush(): Promise<void> {
    return (this.#flushing ??= this.#append().finally(() => (this.#flushing = undefined)));
  }

  async #append(): Promise<void> {
    for (let waitMs = RETRY_MS.first; this.#waiting.length > 0 && !this.#isClosed;) {
      const events = [...this.#waiting];
      try {
        await this.#bus.append(recordOf(events));
        this.#waiting = this.#waiting.slice(events.length);
        waitMs = RETRY_MS.first;
      } catch (error) {
        this.#log.warn("events of deploys cannot be written and will be tried again", { error });
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
        waitMs = Math.min(waitMs * 2, RETRY_MS.max);
      }
    }
  }
}

const recordOf = (events: readonly Event[]): BusRecord => ({
  header: { format: "ecs", stream: STREAM, receivedMs: Date.now(), fields: {} },
  lines: Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join("")),
});

function idsIn({ lines }: BusRecord): string[] {
  const text = Buffer.from(lines).toString("utf8");
  return [...text.matchAll(/"event\.id":"([^"]+)"/g)].map(([, id = ""]) => id);
}
