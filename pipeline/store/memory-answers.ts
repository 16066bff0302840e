import { holdsLists, LIST_SEPARATOR } from "#collectors/fields.ts";
import { ignoredField } from "#collectors/formats/ignored-fields.ts";

import type { TimeRange } from "../filter.ts";
import { matches } from "../matches.ts";
import type { RollupCell } from "../rollup.ts";
import { Gauge, type GaugeValues } from "../sketches/gauge.ts";
import { bucketOf } from "../sketches/latency-sketch.ts";
import { checkAggregate, checkedLimit, checkedStep, checkFilter, typeOf } from "./check-request.ts";
import { cutText, TEXT_BYTES_MAX } from "./long-text.ts";
import type {
  Aggregate,
  AggregateRequest,
  AggregateRow,
  CellsRequest,
  EventDocument,
  Extent,
  Facets,
  FacetsRequest,
  MergedCell,
  OriginalLine,
  SearchRequest,
} from "./port.ts";

const NS_PER_MS = 1e6;

/** An event in memory; `tMs` is NaN if it has no time, `line` is empty without an original line. */
export type KeptEvent = { number: number; tMs: number; source: string; offset: number } & {
  document: EventDocument;
  line: Uint8Array;
};

/** Newest first; events of the same time by source and offset. */
export function compareEvents(a: KeptEvent, b: KeptEvent): number {
  if (a.tMs !== b.tMs) return b.tMs - a.tMs;
  if (a.source !== b.source) return a.source < b.source ? 1 : -1;
  return b.offset - a.offset;
}

export function searchEvents(
  events: readonly KeptEvent[],
  { after, limit, ...range }: SearchRequest,
): EventDocument[] {
  const found = eventsIn(events, range).toSorted(compareEvents);
  const from = after ? found.findIndex((event) => isBehind(event, after)) : 0;
  const page = from < 0 ? [] : found.slice(from, from + checkedLimit(limit));
  return page.map(({ document: { id, fields } }) => ({ id, fields: withCutTexts(fields) }));
}

export function searchOriginals(
  events: readonly KeptEvent[],
  { after, limit, ...range }: SearchRequest,
): OriginalLine[] {
  const found = eventsIn(events, range)
    .toSorted((a, b) => compareEvents(b, a))
    .filter((event) => !after || isAfter(event, after));
  return found.slice(0, checkedLimit(limit)).map(({ document: { id }, tMs, line }) => {
    if (line.length > TEXT_BYTES_MAX) return { id, tMs, line: undefined };
    return { id, tMs, line: line.length === 0 ? null : line };
  });
}

const withCutTexts = (fields: EventDocument["fields"]): EventDocument["fields"] =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? cutText(value) : value,
    ]),
  );

type After = NonNullable<SearchRequest["after"]>;

const isBehind = (event: KeptEvent, after: After): boolean =>
  compareEvents(lastOf(event, after), event) < 0;

const isAfter = (event: KeptEvent, after: After): boolean =>
  compareEvents(lastOf(event, after), event) > 0;

function lastOf(event: KeptEvent, { tMs, id }: After): KeptEvent {
  const colon = id.lastIndexOf(":");
  return { ...event, tMs, source: id.slice(0, colon), offset: Number(id.slice(colon + 1)) };
}

function eventsIn(
  events: readonly KeptEvent[],
  { fromMs, toMs, where }: TimeRange & { where: SearchRequest["where"] },
): KeptEvent[] {
  checkFilter(where);
  return events.filter(
    ({ tMs, document }) => tMs >= fromMs && tMs < toMs && matches(document.fields, where),
  );
}

export function aggregateEvents(
  events: readonly KeptEvent[],
  request: AggregateRequest,
): AggregateRow[] {
  const { aggregate, by } = request;
  checkAggregate(aggregate);
  const found = eventsIn(events, request).filter((event) => isMeasured(event, aggregate));
  const names = by ? topNames(found, by) : [null];
  const groups = new Map<string, { row: AggregateRow; place: number; events: KeptEvent[] }>();
  for (const event of found) {
    const name = by ? textOf(event, by.field) : null;
    const place = names.indexOf(name);
    if (place < 0) continue;
    const bucket = aggregate.kind === "latency" ? latencyBucket(event) : null;
    const tMs = startOf(event.tMs, request);
    const key = JSON.stringify([tMs, name, bucket]);
    const group = groups.get(key) ?? {
      row: { tMs, by: name, bucket, value: 0 },
      place,
      events: [],
    };
    groups.set(key, group);
    group.events.push(event);
  }
  const ordered = [...groups.values()].toSorted(
    (a, b) => a.row.tMs - b.row.tMs || a.place - b.place,
  );
  return ordered.map(({ row, events: members }) => ({
    ...row,
    value: valueOf(members, aggregate),
    ...(aggregate.kind === "gauge" ? { gauge: gaugeOf(members, aggregate.field) } : {}),
  }));
}

const durationOf = (event: KeptEvent): number => numberOf(event, "event.duration");

const latencyBucket = (event: KeptEvent): number => bucketOf(durationOf(event) / NS_PER_MS);

function isMeasured(event: KeptEvent, aggregate: Aggregate): boolean {
  if (aggregate.kind === "gauge") return !Number.isNaN(numberOf(event, aggregate.field));
  return aggregate.kind !== "latency" || durationOf(event) >= 0;
}

const numberOf = ({ document }: KeptEvent, field: string): number =>
  Number(document.fields[field] ?? Number.NaN);

function gaugeOf(events: readonly KeptEvent[], field: string): GaugeValues {
  const gauge = new Gauge();
  for (const event of events) gauge.add(event.tMs, numberOf(event, field));
  const { count, lastMs, last, min, max, sum } = gauge;
  return { count, lastMs, last, min, max, sum };
}

function valueOf(events: readonly KeptEvent[], aggregate: Aggregate): number {
  if (aggregate.kind === "sum") {
    const values = events.map(({ document }) => Number(document.fields[aggregate.field] ?? 0));
    return values.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0);
  }
  if (aggregate.kind === "distinct") {
    const values = events.map((event) => aggregate.fields.map((field) => textOf(event, field)));
    const present = values.filter((texts) => texts.some((text) => text !== null));
    return new Set(present.map((texts) => JSON.stringify(texts))).size;
  }
  return events.length;
}

/** The most frequent values, most frequent first; null is the value of events without the field. */
function topNames(
  events: readonly KeptEvent[],
  { field, limit }: { field: string; limit: number },
): (string | null)[] {
  const top = mostFrequent(events.map((event) => textOf(event, field)));
  return top.slice(0, checkedLimit(limit)).map(([name]) => name);
}

function mostFrequent<T extends string | null>(values: readonly T[]): [T, number][] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const text = (value: T): string => value ?? "";
  return [...counts].toSorted(
    ([a, more], [b, less]) => less - more || (text(a) < text(b) ? -1 : 1),
  );
}

/** The value as text to split and count by: the joined values of a list, epoch ms for a date. */
function textOf({ document }: KeptEvent, field: string): string | null {
  const value = document.fields[field];
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && holdsLists(field)) {
    return value.join(typeOf(field) === "keywords" ? "," : String.fromCharCode(LIST_SEPARATOR));
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return typeOf(field) === "date" ? String(Date.parse(text)) : text;
}

/** Start of the time bucket. */
function startOf(tMs: number, { stepMs, fromMs }: { stepMs?: number; fromMs: number }): number {
  if (stepMs === undefined) return Math.ceil(fromMs);
  return Math.floor(tMs / checkedStep(stepMs)) * stepMs;
}

export function facetsOf(events: readonly KeptEvent[], request: FacetsRequest): Facets {
  const found = eventsIn(events, request);
  const limit = checkedLimit(request.limit);
  const facets = request.fields.map((field): [string, { value: string; count: number }[]] => {
    const values = found.flatMap((event) => {
      const value = event.document.fields[field];
      return holdsLists(field) && Array.isArray(value)
        ? value.map(String)
        : (textOf(event, field) ?? []);
    });
    const top = mostFrequent(values).slice(0, limit);
    return [field, top.map(([value, count]) => ({ value, count }))];
  });
  return new Map(facets);
}

export function extentsOf(events: readonly KeptEvent[]): Extent[] {
  const extents = new Map<string, Extent>();
  for (const { tMs, document } of events) {
    if (Number.isNaN(tMs)) continue;
    const dataset = datasetOf(document);
    const known: Extent = extents.get(dataset) ?? { dataset, rows: 0, fromMs: tMs, toMs: tMs };
    const [fromMs, toMs] = [Math.min(known.fromMs, tMs), Math.max(known.toMs, tMs)];
    const mark =
      known.hasNumberLists || hasNumberList(document) ? { hasNumberLists: true as const } : {};
    extents.set(dataset, { dataset, rows: known.rows + 1, fromMs, toMs, ...mark });
  }
  return [...extents.values()].toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1));
}

const hasNumberList = ({ fields }: EventDocument): boolean =>
  Object.keys(fields).some((name) => name.startsWith(ignoredField("")));

export function datasetOf({ fields }: EventDocument): string {
  const dataset = fields["data_stream.dataset"];
  return typeof dataset === "string" ? dataset : "";
}

export function mergedCells(cells: readonly RollupCell[], request: CellsRequest): MergedCell[] {
  const { fromMs, toMs, levelS, measures, dataset: only, byKey = true } = request;
  const merged = new Map<string, MergedCell>();
  for (const { levelS: level, t, dataset, measure, key, value, sketch } of cells) {
    const isInRange = t >= Math.ceil(fromMs / 1000) && t < Math.ceil(toMs / 1000);
    const isSelected = level === levelS && measures.includes(measure) && isInRange;
    if (!isSelected || (only !== undefined && only !== dataset)) continue;
    const tMs = startOf(t * 1000, request);
    const name = byKey ? key : "";
    const id = JSON.stringify([tMs, dataset, measure, name]);
    const cell = merged.get(id) ?? { tMs, dataset, measure, key: name, value: 0, sketches: [] };
    merged.set(id, cell);
    cell.value += value;
    if (sketch) cell.sketches.push(sketch);
  }
  return [...merged.values()].toSorted((a, b) => a.tMs - b.tMs);
}
