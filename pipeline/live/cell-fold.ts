import { assertNever } from "#platform/errors.ts";

import { type Measure, MEASURES, type RollupCell, type RollupLevelS } from "../rollup.ts";
import { CountTable } from "./count-table.ts";
import { DistinctSketch } from "./distinct-sketch.ts";
import { BUCKET_MIN, BUCKETS } from "./latency-sketch.ts";
import { NAMES_MAX } from "./names.ts";
import { NO_BUCKET, NO_STATUS, type RowReader } from "./row-reader.ts";

const MINUTE_S = 60;
const HOUR_S = 3600;
const DATASETS_MAX = 2 ** 20;
/** A code is the measure's number and, in the lower bits, the number of its key. */
const KEY_BITS = 20;
const KEY_MASK = 2 ** KEY_BITS - 1;

function codeOf(measure: Measure): number {
  return MEASURES.indexOf(measure) << KEY_BITS;
}
const REQUESTS = codeOf("requests");
const LATENCY = codeOf("latency");
const INSTANCE = codeOf("instance");
const CACHE = codeOf("cache");
const EVENTS = codeOf("events");
const ROUTE = codeOf("route");

/** Written once: a history has more cells than anything else. */
const STATUS_KEYS = Array.from({ length: NO_STATUS + 1 }, (_, status) =>
  status === NO_STATUS ? "" : String(status),
);
const BUCKET_KEYS = Array.from({ length: BUCKETS }, (_, index) => String(index + BUCKET_MIN));

/** A minute or an hour of one dataset. */
type Span = {
  index: number;
  levelS: RollupLevelS;
  t: number;
  /** Number in the batch's dictionary, and the name. */
  dataset: number;
  datasetName: string;
  hour: Span | undefined;
  bytes: number;
  signIns: number;
  signOuts: number;
  users: DistinctSketch | undefined;
};

/** Folds rows into the cells of their minutes and hours. */
export class CellFold {
  readonly #reader: RowReader;
  readonly #counts = new CountTable();
  #spans: Span[] = [];
  readonly #minutes = new Map<number, Span>();
  readonly #hours = new Map<number, Span>();
  /** The minute of the row before: neighbours nearly always share it. */
  #last: Span | undefined;

  constructor(reader: RowReader) {
    this.#reader = reader;
  }

  /** Adds the row that the reader has read. */
  add(): void {
    const row = this.#reader;
    const t = Math.floor(row.second / MINUTE_S) * MINUTE_S;
    const last = this.#last;
    const span = last && last.t === t && last.dataset === row.dataset ? last : this.#minute(t);
    this.#last = span;
    if (row.isSignIn) span.signIns += 1;
    if (row.isSignOut) span.signOuts += 1;
    const { index } = span;
    if (!row.isRequest) {
      this.#counts.add(index, EVENTS | row.level, 1);
      return;
    }
    this.#counts.add(index, REQUESTS | row.status, 1);
    if (row.bucket !== NO_BUCKET) this.#counts.add(index, LATENCY | (row.bucket - BUCKET_MIN), 1);
    if (row.bytes > 0) span.bytes += row.bytes;
    if (row.visitor !== 0) (span.users ??= new DistinctSketch()).add(row.visitor);
    if (row.instance !== 0) this.#counts.add(index, INSTANCE | row.instance, 1);
    if (row.handling !== 0) this.#counts.add(index, CACHE | row.handling, 1);
    if (row.route !== 0) {
      const statusClass = row.status === NO_STATUS ? 0 : Math.floor(row.status / 100);
      const key = statusClass * NAMES_MAX + row.route;
      this.#counts.add(span.hour!.index, ROUTE | key, 1);
    }
  }

  /** The cells of all rows since the last call: increments to what is stored. */
  take(): RollupCell[] {
    const counts = this.#counts;
    const minuteEntries = counts.size;
    for (let entry = 0; entry < minuteEntries; entry += 1) {
      const { hour } = this.#spans[counts.firsts[entry]!]!;
      if (hour) counts.add(hour.index, counts.seconds[entry]!, counts.counts[entry]!);
    }
    for (const minute of this.#minutes.values()) addToHour(minute);
    const cells: RollupCell[] = [];
    for (let entry = 0; entry < counts.size; entry += 1) {
      const span = this.#spans[counts.firsts[entry]!]!;
      const code = counts.seconds[entry]!;
      const measure = MEASURES[code >>> KEY_BITS]!;
      const key = this.#keyOf(measure, code & KEY_MASK);
      cells.push(this.#cell(span, measure, key, counts.counts[entry]!));
    }
    for (const span of this.#spans) this.#pushSums(cells, span);
    this.#clear();
    return cells;
  }

  #pushSums(cells: RollupCell[], span: Span): void {
    if (span.bytes > 0) cells.push(this.#cell(span, "bytes", "", span.bytes));
    if (span.signIns > 0) cells.push(this.#cell(span, "sign-in", "", span.signIns));
    if (span.signOuts > 0) cells.push(this.#cell(span, "sign-out", "", span.signOuts));
    if (!span.users) return;
    const cell = this.#cell(span, "users", "", 0);
    cell.sketch = span.users.toBytes();
    cells.push(cell);
  }

  #cell(span: Span, measure: Measure, key: string, value: number): RollupCell {
    const { levelS, t } = span;
    return { levelS, t, dataset: span.datasetName, measure, key, value };
  }

  #keyOf(measure: Measure, key: number): string {
    const { instances, handlings, levels, routes } = this.#reader;
    switch (measure) {
      case "requests":
        return STATUS_KEYS[key]!;
      case "latency":
        return BUCKET_KEYS[key]!;
      case "instance":
        return instances.name(key);
      case "cache":
        return handlings.name(key);
      case "events":
        return levels.name(key);
      case "route":
        return routeKey(Math.floor(key / NAMES_MAX), routes.name(key % NAMES_MAX));
      case "bytes":
      case "users":
      case "sign-in":
      case "sign-out":
        return "";
      default:
        return assertNever(measure);
    }
  }

  #minute(t: number): Span {
    const { dataset } = this.#reader;
    const known = this.#minutes.get(t * DATASETS_MAX + dataset);
    if (known) return known;
    const hourT = Math.floor(t / HOUR_S) * HOUR_S;
    let hour = this.#hours.get(hourT * DATASETS_MAX + dataset);
    if (!hour) {
      hour = this.#span(HOUR_S, hourT, undefined);
      this.#hours.set(hourT * DATASETS_MAX + dataset, hour);
    }
    const minute = this.#span(MINUTE_S, t, hour);
    this.#minutes.set(t * DATASETS_MAX + dataset, minute);
    return minute;
  }

  #span(levelS: RollupLevelS, t: number, hour: Span | undefined): Span {
    const index = this.#spans.length;
    const zero = { bytes: 0, signIns: 0, signOuts: 0, users: undefined };
    const { dataset } = this.#reader;
    const datasetName = hour?.datasetName ?? this.#reader.datasetName(dataset);
    const span: Span = { index, levelS, t, dataset, datasetName, hour, ...zero };
    this.#spans.push(span);
    return span;
  }

  #clear(): void {
    this.#counts.clear();
    this.#spans = [];
    this.#minutes.clear();
    this.#hours.clear();
    this.#last = undefined;
  }
}

/** Key of the `route` measure: "2xx /a/{id}"; class 0 is a status that nobody knows. */
function routeKey(statusClass: number, route: string): string {
  return `${statusClass}xx ${route}`;
}

export function parseRouteKey(key: string): { statusClass: number; route: string } {
  return { statusClass: Number(key.slice(0, 1)), route: key.slice(4) };
}

function addToHour(minute: Span): void {
  const { hour } = minute;
  if (!hour) return;
  hour.bytes += minute.bytes;
  hour.signIns += minute.signIns;
  hour.signOuts += minute.signOuts;
  if (minute.users) (hour.users ??= new DistinctSketch()).merge(minute.users);
}
