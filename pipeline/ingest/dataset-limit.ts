import type { Batch } from "#collectors/batch.ts";
import { EXTRA_FIELD } from "#collectors/fields.ts";
import type { SourceStatus } from "#collectors/source.ts";
import type { TextColumn } from "#collectors/text-column.ts";
import type { Clock } from "#platform/clock.ts";

import {
  DATASET_BYTES_MAX,
  DATASETS_MAX,
  ORIGINAL_DATASET,
  OVERFLOW_DATASET,
} from "../datasets.ts";
import type { EventReader } from "../store/port.ts";
import { PUSHED_EVENTS, pushedStatus } from "./pushed-status.ts";
import { QUARANTINE_DATASET } from "./quarantine.ts";

const READ_EVERY_MS = 60_000;
/** Datasets that exist beside the maximum. */
const OWN_DATASETS: readonly string[] = [OVERFLOW_DATASET, QUARANTINE_DATASET];

const UNDECIDED = 0;
const ADMITTED = 1;
const REFUSED = 2;

type Deps = { store: Pick<EventReader, "extents">; clock: Clock };

/** Moves events of too many datasets into one, so that the number of datasets in the store is bounded. */
export class DatasetLimit {
  readonly #batch: Batch;
  readonly #deps: Deps;
  /** Names that the store or the batch has. */
  #known = new Set<string>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  /** Decisions by the number of a dataset in the batch. */
  #decisions = new Uint8Array(64);
  #decided = 0;
  #hasRefused = false;
  /** Number of moved events by the path of their source, or PUSHED_EVENTS. */
  readonly #moved = new Map<string, number>();

  constructor(batch: Batch, deps: Deps) {
    this.#batch = batch;
    this.#deps = deps;
  }

  /** Reads the datasets of the store. */
  async read(): Promise<void> {
    const extents = await this.#deps.store.extents();
    this.#known = new Set(extents.map(({ dataset }) => dataset));
    this.#readAtMs = this.#deps.clock.nowMs();
  }

  /** To be called for new rows before they are folded. */
  apply(fromRow: number, toRow: number): void {
    const datasets = this.#batch.text("data_stream.dataset");
    if (this.#decided === datasets.size && !this.#hasRefused) return;
    this.#grow(datasets.size);
    for (let row = fromRow; row < toRow; row += 1) {
      const id = datasets.ids[row] ?? 0;
      if (id === 0) continue;
      if (this.#decisions[id] === UNDECIDED) this.#decide(datasets, id);
      if (this.#decisions[id] === REFUSED) this.#move(datasets, row, id);
    }
  }

  /** To be called after the batch was stored and reset. */
  async reset(): Promise<void> {
    // Absolute, because the clock may have been set back.
    const isOld = Math.abs(this.#deps.clock.nowMs() - this.#readAtMs) >= READ_EVERY_MS;
    const isDue = this.#hasRefused && isOld;
    this.#decisions.fill(UNDECIDED);
    this.#decided = 0;
    this.#hasRefused = false;
    // Retention may have removed datasets. If they cannot be read now, the known ones stay.
    if (isDue) await this.read().catch(() => undefined);
  }

  /** The status of each source, with the number of its events that were moved. */
  statusWith(sources: readonly SourceStatus[]): SourceStatus[] {
    const noted = sources.map((source) => {
      const moved = this.#moved.get(source.path);
      if (moved === undefined) return source;
      const level = source.level === "error" ? "error" : "warning";
      return { ...source, level, message: `${source.message}; ${noteOf(moved)}` } as const;
    });
    const pushed = this.#moved.get(PUSHED_EVENTS);
    const isNoted = pushed === undefined || sources.some(({ path }) => path === PUSHED_EVENTS);
    return isNoted ? noted : [...noted, pushedStatus([noteOf(pushed)])];
  }

  #grow(size: number): void {
    if (size < this.#decisions.length) return;
    const grown = new Uint8Array(2 * size);
    grown.set(this.#decisions);
    this.#decisions = grown;
  }

  #decide(datasets: TextColumn, id: number): void {
    this.#decided += 1;
    const isAdmitted = this.#admits(datasets, id);
    this.#decisions[id] = isAdmitted ? ADMITTED : REFUSED;
    if (!isAdmitted) this.#hasRefused = true;
  }

  #admits(datasets: TextColumn, id: number): boolean {
    if (datasets.bytes(id).length > DATASET_BYTES_MAX) return false;
    const name = datasets.text(id);
    if (this.#known.has(name) || OWN_DATASETS.includes(name)) return true;
    if (this.#known.size >= DATASETS_MAX) return false;
    this.#known.add(name);
    return true;
  }

  #move(datasets: TextColumn, row: number, id: number): void {
    const extras = this.#batch.text(EXTRA_FIELD);
    const own = extras.ids[row] ? extras.text(extras.ids[row]) : "{}";
    const fields: unknown = { ...JSON.parse(own), [ORIGINAL_DATASET]: datasets.text(id) };
    extras.putText(row, JSON.stringify(fields));
    const overflow = datasets.putText(row, OVERFLOW_DATASET);
    this.#grow(overflow);
    if (this.#decisions[overflow] === UNDECIDED) this.#decide(datasets, overflow);
    const paths = this.#batch.text("log.file.path");
    const path = paths.ids[row] ? paths.text(paths.ids[row]) : PUSHED_EVENTS;
    this.#moved.set(path, (this.#moved.get(path) ?? 0) + 1);
  }
}

const noteOf = (moved: number): string =>
  `${moved} events are in the dataset ${OVERFLOW_DATASET}, because a store has at most ${DATASETS_MAX} datasets, with names of at most ${DATASET_BYTES_MAX} bytes (see their field ${ORIGINAL_DATASET})`;
