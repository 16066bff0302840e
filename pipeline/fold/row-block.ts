import type { Batch } from "#collectors/batch.ts";

import {
  ACCESS_DATASETS,
  REQUEST_CATEGORY,
  REQUEST_TYPE,
  STATUS_END,
  TYPED_ACCESS_DATASETS,
} from "../measures/request.ts";
import { bucketOf, NO_BUCKET, NS_PER_MS } from "../sketches/latency-sketch.ts";
import { EntryValues, listHas, numbersOf } from "./entry-values.ts";
import type { LiveSlots } from "./live-slots.ts";
import { Spans } from "./spans.ts";

/** Small enough for a block to stay in the processor's cache for all measures. */
export const BLOCK_ROWS = 1024;
/** Status of a request with unknown status. */
export const NO_STATUS = STATUS_END;

/** Kinds of datasets: all events are requests, or those without another type. */
const ALL_REQUESTS = 1;
const TYPED = 2;
/** An `event.type` that is not that of requests. */
const OTHER_TYPE = 2;

function kindOf(dataset: string): number {
  if (ACCESS_DATASETS.includes(dataset)) return ALL_REQUESTS;
  return TYPED_ACCESS_DATASETS.includes(dataset) ? TYPED : 0;
}

/**
 * Rows of a batch that are folded together, with values that several measures use. A row's offset is its number in the
 * batch minus `first`.
 */
export type RowBlock = {
  first: number;
  /** Offsets of the rows that are requests, and of the others. Rows without a time are in neither. */
  readonly requests: Uint16Array;
  requestCount: number;
  readonly others: Uint16Array;
  otherCount: number;
  /** Second of each row, by offset. */
  readonly seconds: Float64Array;
  /** Index of the row's minute and hour in `Spans.all`, by offset. */
  readonly minutes: Uint32Array;
  readonly hours: Uint32Array;
  /** Status and latency bucket by offset, for requests only. */
  readonly statuses: Uint16Array;
  readonly buckets: Int16Array;
  /** Offsets of the requests and of the others that are live, and by offset the number of their second. */
  readonly liveRequests: Uint16Array;
  liveRequestCount: number;
  readonly liveOthers: Uint16Array;
  liveOtherCount: number;
  readonly liveSlots: Uint32Array;
};

const offsets = (): Uint16Array => new Uint16Array(BLOCK_ROWS);

/** Reads blocks of rows without creating an object or a string per row. */
export class BlockReader {
  readonly block: RowBlock = {
    first: 0,
    requests: offsets(),
    requestCount: 0,
    others: offsets(),
    otherCount: 0,
    seconds: new Float64Array(BLOCK_ROWS),
    minutes: new Uint32Array(BLOCK_ROWS),
    hours: new Uint32Array(BLOCK_ROWS),
    statuses: new Uint16Array(BLOCK_ROWS),
    buckets: new Int16Array(BLOCK_ROWS),
    liveRequests: offsets(),
    liveRequestCount: 0,
    liveOthers: offsets(),
    liveOtherCount: 0,
    liveSlots: new Uint32Array(BLOCK_ROWS),
  };
  readonly spans = new Spans((dataset) => this.datasetName(dataset));
  readonly #batch: Batch;
  #times: Float64Array = new Float64Array();
  #statuses: Float64Array = new Float64Array();
  #durations: Float64Array = new Float64Array();
  readonly #dataset: EntryValues;
  readonly #category: EntryValues;
  readonly #type: EntryValues;

  constructor(batch: Batch) {
    this.#batch = batch;
    this.#dataset = new EntryValues(batch, "data_stream.dataset", (column, id) =>
      kindOf(column.text(id)),
    );
    this.#category = new EntryValues(batch, "event.category", listHas(REQUEST_CATEGORY));
    const isAccess = listHas(REQUEST_TYPE);
    this.#type = new EntryValues(
      batch,
      "event.type",
      (column, id) => isAccess(column, id) || OTHER_TYPE,
    );
  }

  prepare(): void {
    for (const entry of [this.#dataset, this.#category, this.#type]) entry.prepare();
    this.#times = numbersOf(this.#batch, "@timestamp");
    this.#statuses = numbersOf(this.#batch, "http.response.status_code");
    this.#durations = numbersOf(this.#batch, "event.duration");
  }

  /** Reads the rows in [first, end), at most BLOCK_ROWS; `live` numbers the seconds of those that are live. */
  read(first: number, end: number, live: LiveSlots | undefined): RowBlock {
    const { block } = this;
    block.first = first;
    block.requestCount = 0;
    block.otherCount = 0;
    block.liveRequestCount = 0;
    block.liveOtherCount = 0;
    const timed = Math.min(end, this.#times.length);
    for (let row = first; row < timed; row += 1) {
      const second = Math.floor(this.#times[row]! / 1000);
      if (Number.isNaN(second)) continue;
      const offset = row - first;
      const dataset = this.#dataset.isEmpty ? 0 : this.#dataset.ids[row]!;
      const minute = this.spans.minuteOf(second, dataset);
      block.seconds[offset] = second;
      block.minutes[offset] = minute.index;
      block.hours[offset] = minute.hour!.index;
      const isRequest = this.#readRequest(row, offset);
      if (isRequest) block.requests[block.requestCount++] = offset;
      else block.others[block.otherCount++] = offset;
      if (!live?.isLive(second)) continue;
      block.liveSlots[offset] = live.slotOf(dataset, second);
      if (isRequest) block.liveRequests[block.liveRequestCount++] = offset;
      else block.liveOthers[block.liveOtherCount++] = offset;
    }
    return block;
  }

  datasetName(dataset: number): string {
    return dataset === 0 ? "" : this.#batch.text("data_stream.dataset").text(dataset);
  }

  /** To be called after the batch was reset. */
  reset(): void {
    for (const entry of [this.#dataset, this.#category, this.#type]) entry.reset();
  }

  #isRequest(row: number, status: number): boolean {
    if (!Number.isNaN(status)) return true;
    const kind = this.#dataset.at(row);
    if (kind === ALL_REQUESTS) return true;
    const type = this.#type.at(row);
    return kind === TYPED ? type !== OTHER_TYPE : this.#category.at(row) === 1 && type === 1;
  }

  /** Writes status and latency bucket of the row if it is a request; returns whether it is one. */
  #readRequest(row: number, offset: number): boolean {
    const status = row < this.#statuses.length ? this.#statuses[row]! : Number.NaN;
    if (!this.#isRequest(row, status)) return false;
    const isValid = status >= 0 && status < STATUS_END && Number.isInteger(status);
    this.block.statuses[offset] = isValid ? status : NO_STATUS;
    const duration = row < this.#durations.length ? this.#durations[row]! : Number.NaN;
    this.block.buckets[offset] = duration >= 0 ? bucketOf(duration / NS_PER_MS) : NO_BUCKET;
    return true;
  }
}
