import { Batch } from "#collectors/batch.ts";
import { addDocument, toDocument } from "#collectors/document.ts";
import { lineText } from "#collectors/line-column.ts";
import type { Position, Positions, SourceId } from "#collectors/source.ts";

import { matches } from "../matches.ts";
import type { RollupCell } from "../rollup.ts";
import {
  aggregateEvents,
  compareEvents,
  datasetOf,
  extentsOf,
  facetsOf,
  type KeptEvent,
  mergedCells,
  searchEvents,
  searchOriginals,
} from "./memory-answers.ts";
import type {
  AggregateRequest,
  Asking,
  CellsRequest,
  EventId,
  EventStore,
  Expired,
  FacetsRequest,
  Follower,
  OpenRewrite,
  Retention,
  RewriteRequest,
  SearchRequest,
  StoreStatus,
} from "./port.ts";
import { Questions } from "./questions.ts";
import { advance, firstTime, newestOfMost, type RetentionTime } from "./retention-time.ts";
import { cutoffsOf } from "./retention.ts";
import { isStored } from "./stored-batch.ts";

class Shared {
  /** Ordered by their append. */
  events: KeptEvent[] = [];
  cells: RollupCell[] = [];
  positions = new Map<SourceId, Position>();
  retention: Retention = new Map();
  retentionTime: RetentionTime | undefined;
  appended = 0;
}

/**
 * A store of documents in the memory of this process, for tests that are not about files. Returns a function that opens
 * it; all open stores share the data.
 */
export function openMemoryStore(): () => EventStore {
  const holder = { shared: new Shared() };
  return () => new MemoryStore(holder);
}

class MemoryStore implements EventStore {
  readonly #holder: { shared: Shared };
  readonly #questions = new Questions();
  #queries = 0;
  #sinceMs = performance.now();

  constructor(holder: { shared: Shared }) {
    this.#holder = holder;
  }

  get #shared(): Shared {
    return this.#holder.shared;
  }

  async append(batch: Batch, cells: readonly RollupCell[], positions: Positions): Promise<void> {
    const shared = this.#shared;
    if (isStored(positions, shared.positions)) return;
    for (let row = 0; row < batch.rows; row += 1) {
      shared.appended += 1;
      shared.events.push(eventOf(batch, row, shared.appended));
    }
    shared.cells.push(...cells);
    for (const [id, position] of positions) {
      // Inserted again, because the order is that of storing.
      shared.positions.delete(id);
      shared.positions.set(id, { ...position });
    }
  }

  async rewrite({ where, fromMs, onProgress }: RewriteRequest, open: OpenRewrite): Promise<void> {
    const shared = this.#shared;
    const isChosen = ({ document, tMs }: KeptEvent): boolean =>
      (fromMs === undefined || tMs >= fromMs) && matches(document.fields, where);
    const datasets = new Set(
      shared.events.filter(isChosen).map(({ document }) => datasetOf(document)),
    );
    const rewritten = shared.events.filter(({ document }) => datasets.has(datasetOf(document)));
    if (rewritten.length === 0) return;
    const batch = new Batch(rewritten.length);
    const rewriteRows = open(batch);
    for (const event of rewritten) addEvent(batch, event);
    const { changed, cells } = await rewriteRows(
      [...rewritten.keys()].filter((row) => {
        const event = rewritten[row];
        return event !== undefined && isChosen(event);
      }),
    );
    onProgress?.({ done: rewritten.length, total: rewritten.length });
    if (changed === 0) return;
    const numbers = new Map(rewritten.map(({ document, number }) => [document.id, number]));
    const events = new Map<number, KeptEvent>();
    for (let row = 0; row < batch.rows; row += 1) {
      const event = eventOf(batch, row, 0);
      const number = numbers.get(event.document.id) ?? 0;
      events.set(number, { ...event, number });
    }
    shared.events = shared.events.map((event) => events.get(event.number) ?? event);
    shared.cells = [...shared.cells.filter((cell) => !datasets.has(cell.dataset)), ...cells];
  }

  async positions(): Promise<Positions> {
    return new Map(this.#shared.positions);
  }

  async search(request: SearchRequest & Asking) {
    return this.#answer(request, ({ events }) => searchEvents(events, request));
  }

  async event(id: EventId, asking: Asking = {}) {
    return this.#answer(
      asking,
      ({ events }) => events.find(({ document }) => document.id === id)?.document,
    );
  }

  async original(id: EventId, asking: Asking = {}) {
    return this.#answer(asking, ({ events }) => {
      const line = events.find(({ document }) => document.id === id)?.line;
      return line?.length === 0 ? null : line;
    });
  }

  async originals(request: SearchRequest & Asking) {
    return this.#answer(request, ({ events }) => searchOriginals(events, request));
  }

  async facets(request: FacetsRequest & Asking) {
    return this.#answer(request, ({ events }) => facetsOf(events, request));
  }

  async aggregate(request: AggregateRequest & Asking) {
    return this.#answer(request, ({ events }) => aggregateEvents(events, request));
  }

  async cells(request: CellsRequest & Asking) {
    return this.#answer(request, ({ cells }) => mergedCells(cells, request));
  }

  async extents() {
    return extentsOf(this.#shared.events);
  }

  async follow(): Promise<Follower> {
    let known = this.#shared.appended;
    return {
      next: async (limit) => {
        const fresh = this.#shared.events.filter(({ number }) => number > known);
        known = this.#shared.appended;
        const newestFirst = fresh.toSorted(compareEvents).map(({ document }) => document);
        const skipped = new Map<string, number>();
        for (const document of newestFirst.slice(limit)) {
          const dataset = datasetOf(document);
          skipped.set(dataset, (skipped.get(dataset) ?? 0) + 1);
        }
        return { events: newestFirst.slice(0, limit), skipped };
      },
    };
  }

  async status(): Promise<StoreStatus> {
    const { events } = this.#shared;
    const bytes = JSON.stringify(events.map(({ document }) => document.fields)).length;
    const nothing = { segments: 0, problems: [], upkeepFailures: 0, holes: [] };
    return { ...nothing, rows: events.length, bytes, queries: this.#queries };
  }

  async examine(): Promise<void> {
    // Memory is not damaged.
  }

  async compact(): Promise<boolean> {
    return false;
  }

  async retention(): Promise<Retention> {
    return this.#shared.retention;
  }

  async setRetention(retention: Retention): Promise<void> {
    this.#shared.retention = new Map(retention);
  }

  async expiryTime(nowMs: number): Promise<number> {
    const shared = this.#shared;
    const elapsedMs = performance.now() - this.#sinceMs;
    shared.retentionTime = shared.retentionTime
      ? advance(shared.retentionTime, { nowMs, elapsedMs })
      : firstTime(nowMs, newestOfMost(extentsOf(shared.events)));
    this.#sinceMs += elapsedMs;
    return Math.min(shared.retentionTime.atMs, nowMs);
  }

  async confirmTime(nowMs: number): Promise<void> {
    this.#shared.retentionTime = { atMs: nowMs, deviatingMs: 0 };
  }

  async expire(nowMs: number): Promise<Expired[] | undefined> {
    const shared = this.#shared;
    const cutoffs = cutoffsOf(shared.retention, await this.expiryTime(nowMs));
    const isExpired = (dataset: string, endMs: number): boolean =>
      endMs < (cutoffs.get(dataset) ?? Number.NEGATIVE_INFINITY);
    const [kept, expired]: [KeptEvent[], KeptEvent[]] = [[], []];
    for (const event of shared.events) {
      (isExpired(datasetOf(event.document), event.tMs) ? expired : kept).push(event);
    }
    if (expired.length === 0) return undefined;
    shared.events = kept;
    // A cell of the last hour before the cutoff ends at it.
    shared.cells = shared.cells.filter(
      ({ dataset, t, levelS }) => !isExpired(dataset, (t + levelS) * 1000 - 1),
    );
    return extentsOf(expired).map((extent) => ({
      ...extent,
      days: shared.retention.get(extent.dataset) ?? 0,
    }));
  }

  async destroy(): Promise<void> {
    this.#holder.shared = new Shared();
  }

  /** The events are kept for later openings of the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#questions.close();
  }

  #answer<T>(asking: Asking, answer: (shared: Shared) => T): Promise<T> {
    this.#queries += 1;
    return this.#questions.run(asking, async () => answer(this.#shared));
  }
}

function eventOf(batch: Batch, row: number, number: number): KeptEvent {
  const fields = toDocument(batch, row);
  const tMs = batch.number("@timestamp").values[row] ?? Number.NaN;
  const id = fields["log.source.id"];
  const source = typeof id === "string" ? id : "";
  const offset = Number(fields["log.offset"] ?? 0);
  const eventId: EventId = `src_${source.replace(/^src_/, "")}:${offset}`;
  const line = new Uint8Array(batch.lines.bytes(row));
  return { number, tMs, source, offset, document: { id: eventId, fields }, line };
}

function addEvent(batch: Batch, { document: { fields }, line }: KeptEvent): void {
  const { "event.original": original, ...others } = fields;
  const text = typeof original === "string" ? original : "";
  const bytes = line.length > 0 ? line : Buffer.from(text);
  batch.lines.put(batch.rows, bytes, 0, bytes.length);
  addDocument(batch, text === lineText(bytes) ? others : fields);
}
