import { CountTable } from "./count-table.ts";
import { BUCKET_MIN } from "./latency-sketch.ts";
import type { NameTable } from "./names.ts";
import { ERROR_STATUS_MIN } from "./request.ts";
import { NO_BUCKET, NO_STATUS, type RowReader } from "./row-reader.ts";

/** How far back live numbers go, and how far ahead of this machine's clock a log may be. Seconds. */
export const LIVE_SECONDS = 3600;
export const AHEAD_SECONDS_MAX = 5;
/** Windows of the live numbers: response times and instances; visitors and routes. */
export const MINUTE_WINDOW_S = 60;
export const USERS_WINDOW_S = 300;

/**
 * What some rows add to the one-second frames of a dataset: plain typed arrays, so that it passes between threads
 * by structured clone. Deltas add up in any order.
 */
export type FrameDelta = {
  dataset: string;
  /** Epoch ms of the newest event's second. */
  newestEventMs: number;
  /** Start of each second that rows fell into, epoch seconds. */
  seconds: Uint32Array;
  /** For each second: requests, errors, sign-ins, sign-outs. */
  counts: Uint32Array;
  /** Index of a second, bucket − BUCKET_MIN, requests; and so on. Only of the last minute. */
  latency: Uint32Array;
  /** Index of a second, visitor's hash; and so on. Only of the last five minutes, as are routes. */
  visitors: Uint32Array;
  instances: { names: string[]; pairs: Uint32Array };
  /** Index of a second, index of a name · 2048 + 1024 for an error + (bucket − BUCKET_MIN + 1 | 0), requests. */
  routes: { names: string[]; triples: Uint32Array };
};

export const COUNTS_PER_SECOND = 4;
export const ROUTE_NAME_UNIT = 2048;
export const ROUTE_ERROR_UNIT = 1024;

/** Collects one dataset's delta. */
class DeltaFold {
  readonly #indexes = new Map<number, number>();
  readonly #seconds: number[] = [];
  #counts = new Uint32Array(64 * COUNTS_PER_SECOND);
  readonly #latency = new CountTable();
  readonly #visitors = new CountTable();
  readonly #instances = new CountTable();
  readonly #routes = new CountTable();
  #lastSecond = Number.NaN;
  #lastIndex = 0;

  add(row: RowReader, nowS: number): void {
    const { second } = row;
    if (second !== this.#lastSecond) {
      this.#lastSecond = second;
      this.#lastIndex = this.#indexes.get(second) ?? this.#newSecond(second);
    }
    const index = this.#lastIndex;
    const counts = this.#counts;
    const at = index * COUNTS_PER_SECOND;
    if (row.isSignIn) counts[at + 2]! += 1;
    if (row.isSignOut) counts[at + 3]! += 1;
    if (!row.isRequest) return;
    const isError = row.status >= ERROR_STATUS_MIN && row.status !== NO_STATUS;
    counts[at]! += 1;
    if (isError) counts[at + 1]! += 1;
    if (second < nowS - USERS_WINDOW_S) return;
    const bucket = row.bucket === NO_BUCKET ? 0 : row.bucket - BUCKET_MIN + 1;
    if (row.visitor !== 0) this.#visitors.add(index, row.visitor, 1);
    if (row.route !== 0) {
      const code = row.route * ROUTE_NAME_UNIT + (isError ? ROUTE_ERROR_UNIT : 0) + bucket;
      this.#routes.add(index, code, 1);
    }
    if (second < nowS - MINUTE_WINDOW_S) return;
    if (bucket > 0) this.#latency.add(index, bucket - 1, 1);
    if (row.instance !== 0) this.#instances.add(index, row.instance, 1);
  }

  delta(reader: RowReader, dataset: number): FrameDelta {
    const instances = renumbered(this.#instances, 1, reader.instances);
    const routes = renumbered(this.#routes, ROUTE_NAME_UNIT, reader.routes);
    return {
      dataset: reader.datasetName(dataset),
      newestEventMs: this.#seconds.reduce((newest, second) => Math.max(newest, second), 0) * 1000,
      seconds: Uint32Array.from(this.#seconds),
      counts: this.#counts.slice(0, this.#seconds.length * COUNTS_PER_SECOND),
      latency: packed(this.#latency, true),
      visitors: packed(this.#visitors, false),
      instances: { names: instances, pairs: packed(this.#instances, false) },
      routes: { names: routes, triples: packed(this.#routes, true) },
    };
  }

  #newSecond(second: number): number {
    const index = this.#seconds.push(second) - 1;
    this.#indexes.set(second, index);
    if (this.#counts.length < this.#seconds.length * COUNTS_PER_SECOND) {
      const grown = new Uint32Array(this.#counts.length * 2);
      grown.set(this.#counts);
      this.#counts = grown;
    }
    return index;
  }
}

/** Folds rows that are recent enough to be live. */
export class LiveFold {
  readonly #reader: RowReader;
  readonly #datasets = new Map<number, DeltaFold>();
  #last: DeltaFold | undefined;
  #lastDataset = -1;

  constructor(reader: RowReader) {
    this.#reader = reader;
  }

  /** Adds the row that the reader has read, if it is live. */
  add(nowS: number): void {
    const { second, dataset } = this.#reader;
    if (!(second > nowS - LIVE_SECONDS && second <= nowS + AHEAD_SECONDS_MAX)) return;
    if (dataset !== this.#lastDataset || !this.#last) {
      let fold = this.#datasets.get(dataset);
      if (!fold) this.#datasets.set(dataset, (fold = new DeltaFold()));
      this.#last = fold;
      this.#lastDataset = dataset;
    }
    this.#last.add(this.#reader, nowS);
  }

  deltas(): FrameDelta[] {
    return [...this.#datasets].map(([dataset, fold]) => fold.delta(this.#reader, dataset));
  }
}

/** Replaces the batch's numbers of names (in units of the second number) by indexes into the names that it returns. */
function renumbered(table: CountTable, unit: number, names: NameTable): string[] {
  const indexes = new Map<number, number>();
  const used: string[] = [];
  for (let entry = 0; entry < table.size; entry += 1) {
    const code = table.seconds[entry]!;
    const number = Math.floor(code / unit);
    let index = indexes.get(number);
    if (index === undefined) {
      index = used.push(names.name(number)) - 1;
      indexes.set(number, index);
    }
    table.seconds[entry] = index * unit + (code % unit);
  }
  return used;
}

function packed(table: CountTable, withCounts: boolean): Uint32Array {
  const width = withCounts ? 3 : 2;
  const numbers = new Uint32Array(table.size * width);
  for (let entry = 0; entry < table.size; entry += 1) {
    numbers[entry * width] = table.firsts[entry]!;
    numbers[entry * width + 1] = table.seconds[entry]!;
    if (withCounts) numbers[entry * width + 2] = table.counts[entry]!;
  }
  return numbers;
}
