import type { Batch } from "#collectors/batch.ts";
import type { NumberColumn, TextColumn } from "#collectors/columns.ts";
import { LIST_SEPARATOR, type NumberField, type TextField } from "#collectors/fields.ts";

import { bucketOf, NS_PER_MS } from "./latency-sketch.ts";
import { NameTable } from "./names.ts";
import {
  ACCESS_DATASETS,
  INSTANCE_FIELDS,
  instanceName,
  REQUEST_CATEGORY,
  REQUEST_TYPE,
  SIGN_IN,
  SIGN_OUT,
  STATUS_END,
  VISITOR_FALLBACK,
  VISITOR_FIELDS,
} from "./request.ts";
import { combinedHash, stableHash } from "./stable-hash.ts";

/** `RowReader.bucket` of a row whose response time is not known. */
export const NO_BUCKET = -0x8000;
/** `RowReader.status` of a request whose status is not known. */
export const NO_STATUS = STATUS_END;

const NO_IDS = new Uint32Array();
const NO_NUMBERS = new Float64Array();
const ENTRIES_MIN = 1024;

/** A number for each dictionary entry of a column, worked out once for each distinct value. */
class EntryValues {
  ids: Uint32Array = NO_IDS;
  values = new Uint32Array(ENTRIES_MIN);
  #done = 0;
  readonly #field: TextField;
  readonly #valueOf: (column: TextColumn, id: number) => number;

  constructor(field: TextField, valueOf: (column: TextColumn, id: number) => number) {
    this.#field = field;
    this.#valueOf = valueOf;
  }

  prepare(batch: Batch): void {
    const column = batch.textColumns().get(this.#field);
    this.ids = column && column.size > 0 ? column.ids : NO_IDS;
    if (!column) return;
    if (column.size >= this.values.length) {
      const grown = new Uint32Array(column.size * 2);
      grown.set(this.values);
      this.values = grown;
    }
    for (let id = this.#done + 1; id <= column.size; id += 1) {
      this.values[id] = this.#valueOf(column, id);
    }
    this.#done = column.size;
  }

  /** 0 where the row has no value. */
  at(row: number): number {
    if (this.ids.length === 0) return 0;
    const id = this.ids[row]!;
    return id === 0 ? 0 : this.values[id]!;
  }

  reset(): void {
    this.#done = 0;
  }
}

const hashOf = (column: TextColumn, id: number): number => stableHash(column.bytes(id)) || 1;

function listHas(wanted: string): (column: TextColumn, id: number) => number {
  const separator = String.fromCharCode(LIST_SEPARATOR);
  return (column, id) => (column.text(id).split(separator).includes(wanted) ? 1 : 0);
}

/** Reads what frames and rollups need of a row into its own fields: no object for a row, no string but new ones. */
export class RowReader {
  readonly routes = new NameTable();
  readonly instances = new NameTable();
  readonly handlings = new NameTable();
  readonly levels = new NameTable();

  /** Of the row that was read last. Epoch seconds; NaN where the row has no time. */
  second = Number.NaN;
  /** Number in the dictionary of `data_stream.dataset`. */
  dataset = 0;
  isRequest = false;
  status = NO_STATUS;
  /** Response bytes; NaN where not known. */
  bytes = Number.NaN;
  /** Bucket of the response time, or NO_BUCKET. */
  bucket = NO_BUCKET;
  /** Hash of the visitor; 0 where nothing tells visitors apart. */
  visitor = 0;
  /** Numbers in the tables above; 0 is none. */
  instance = 0;
  handling = 0;
  route = 0;
  level = 0;
  isSignIn = false;
  isSignOut = false;

  readonly #batch: Batch;
  #times: Float64Array = NO_NUMBERS;
  #statuses: Float64Array = NO_NUMBERS;
  #durations: Float64Array = NO_NUMBERS;
  #bodyBytes: Float64Array = NO_NUMBERS;
  #allBytes: Float64Array = NO_NUMBERS;
  readonly #dataset = new EntryValues("data_stream.dataset", (column, id) =>
    ACCESS_DATASETS.includes(column.text(id)) ? 1 : 0,
  );
  readonly #category = new EntryValues("event.category", listHas(REQUEST_CATEGORY));
  readonly #type = new EntryValues("event.type", listHas(REQUEST_TYPE));
  readonly #action = new EntryValues("event.action", (column, id) => {
    const action = column.text(id);
    return action === SIGN_IN ? 1 : action === SIGN_OUT ? 2 : 0;
  });
  readonly #visitors = VISITOR_FIELDS.map((field) => new EntryValues(field, hashOf));
  readonly #address = new EntryValues(VISITOR_FALLBACK[0], hashOf);
  readonly #agent = new EntryValues(VISITOR_FALLBACK[1], hashOf);
  readonly #instances = INSTANCE_FIELDS.map(
    (field) =>
      new EntryValues(field, (column, id) => this.instances.number(instanceName(column.text(id)))),
  );
  readonly #handling = new EntryValues("varnish.handling", (column, id) =>
    this.handlings.number(column.text(id)),
  );
  readonly #route = new EntryValues("http.route", (column, id) =>
    this.routes.number(column.text(id)),
  );
  readonly #level = new EntryValues("log.level", (column, id) =>
    this.levels.number(column.text(id)),
  );
  readonly #entries = [
    this.#dataset,
    this.#category,
    this.#type,
    this.#action,
    ...this.#visitors,
    this.#address,
    this.#agent,
    ...this.#instances,
    this.#handling,
    this.#route,
    this.#level,
  ];

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /** Must be called before rows are read that were written since the last call. */
  prepare(): void {
    for (const entry of this.#entries) entry.prepare(this.#batch);
    this.#times = this.#numbers("@timestamp");
    this.#statuses = this.#numbers("http.response.status_code");
    this.#durations = this.#numbers("event.duration");
    this.#bodyBytes = this.#numbers("http.response.body.bytes");
    this.#allBytes = this.#numbers("http.response.bytes");
  }

  read(row: number): void {
    this.second = row < this.#times.length ? Math.floor(this.#times[row]! / 1000) : Number.NaN;
    this.dataset = this.#dataset.ids.length === 0 ? 0 : this.#dataset.ids[row]!;
    const status = row < this.#statuses.length ? this.#statuses[row]! : Number.NaN;
    const known = !Number.isNaN(status);
    this.isRequest =
      known ||
      this.#dataset.at(row) === 1 ||
      (this.#category.at(row) === 1 && this.#type.at(row) === 1);
    const action = this.#action.at(row);
    this.isSignIn = action === 1;
    this.isSignOut = action === 2;
    if (!this.isRequest) {
      this.level = this.#level.at(row);
      return;
    }
    const valid = status >= 0 && status < STATUS_END && Number.isInteger(status);
    this.status = valid ? status : NO_STATUS;
    const duration = row < this.#durations.length ? this.#durations[row]! : Number.NaN;
    this.bucket = duration >= 0 ? bucketOf(duration / NS_PER_MS) : NO_BUCKET;
    this.bytes = this.#bytesAt(row);
    this.visitor = this.#visitorAt(row);
    this.instance = this.#instanceAt(row);
    this.handling = this.#handling.at(row);
    this.route = this.#route.at(row);
  }

  datasetName(number: number): string {
    return number === 0 ? "" : this.#batch.text("data_stream.dataset").text(number);
  }

  /** After the batch was reset. */
  reset(): void {
    for (const entry of this.#entries) entry.reset();
    for (const table of [this.routes, this.instances, this.handlings, this.levels]) table.clear();
  }

  #numbers(name: NumberField): Float64Array {
    const column: NumberColumn | undefined = this.#batch.numberColumns().get(name);
    return column ? column.values : NO_NUMBERS;
  }

  #bytesAt(row: number): number {
    const body = row < this.#bodyBytes.length ? this.#bodyBytes[row]! : Number.NaN;
    if (!Number.isNaN(body)) return body;
    return row < this.#allBytes.length ? this.#allBytes[row]! : Number.NaN;
  }

  #visitorAt(row: number): number {
    for (let i = 0; i < this.#visitors.length; i += 1) {
      const hash = this.#visitors[i]!.at(row);
      if (hash !== 0) return combinedHash(i + 1, hash) || 1;
    }
    const address = this.#address.at(row);
    return address === 0 ? 0 : combinedHash(address, this.#agent.at(row)) || 1;
  }

  #instanceAt(row: number): number {
    for (let i = 0; i < this.#instances.length; i += 1) {
      const instance = this.#instances[i]!.at(row);
      if (instance !== 0) return instance;
    }
    return 0;
  }
}
