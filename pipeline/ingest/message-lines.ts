import type { Batch } from "#collectors/batch.ts";
import { putOrigin } from "#collectors/envelopes/put-origin.ts";
import { type Unwrapped, readable, unwrap } from "#collectors/envelopes/unwrap.ts";
import { EXTRA_FIELD } from "#collectors/fields.ts";
import type { Format, FormatContext } from "#collectors/format.ts";
import { Extras } from "#collectors/formats/access-columns.ts";
import { putDocument } from "#collectors/formats/ecs.ts";
import { FIELDS_MAX, flatten, parseJsonLine } from "#collectors/formats/json-line.ts";
import { eachLine } from "#collectors/lines.ts";
import { type Chunk, IDENTITY_FIELDS } from "#collectors/source.ts";

import { nearestDataset } from "../dataset-names.ts";
import type { IngestCounts } from "./ingest-deps.ts";
import { type Added, addedFields, PackedLines } from "./packed-lines.ts";
import { QUARANTINE_DATASET, quarantineRow } from "./quarantine.ts";
import type { SharedPlainLines } from "./shared-plain-lines.ts";
import type { Stream } from "./stream.ts";

/** Shippers name it if nobody has named another one. */
const UNNAMED_DATASET = "generic";
/**
 * After so many messages that no format could read, only every n-th one is tried until one can be read: every format
 * would try to parse every message of an application that writes sentences.
 */
const UNREAD_MAX = 256;
const TRY_EVERY = 16;

type Fields = Map<string, unknown>;
type Message = { bytes: Buffer; format: Format; origin: Unwrapped | undefined };

/** Writes ECS documents into rows. The `message` of each may be a log line, which is read by the format that can parse it. */
export class MessageLines {
  readonly #batch: Batch;
  readonly #context: FormatContext;
  readonly #counts: IngestCounts;
  readonly #extras = new Extras();
  readonly #packed: PackedLines;

  constructor(
    batch: Batch,
    context: FormatContext,
    { counts, plain }: { counts: IngestCounts; plain: SharedPlainLines },
  ) {
    this.#batch = batch;
    this.#context = context;
    this.#counts = counts;
    this.#packed = new PackedLines(batch, plain);
  }

  takeChunk(stream: Stream, chunk: Chunk): void {
    const { bytes } = chunk;
    this.#context.units = stream.units;
    this.#context.zone = stream.zone;
    const take = (line: Uint8Array, at: number): void =>
      this.#takeDocument(stream, { chunk, line, at });
    const packed = chunk.header?.packed;
    if (!packed)
      return eachLine({ bytes }, (start, end) => take(bytes.subarray(start, end), start));
    const addedBy = (document: Uint8Array): Added | undefined => this.#addedBy(document);
    this.#packed.takeChunk(stream, { packed, chunk }, { take, addedBy });
  }

  #takeDocument(
    stream: Stream,
    { chunk, line, at }: { chunk: Chunk; line: Uint8Array; at: number },
  ): void {
    const batch = this.#batch;
    batch.reserve(1);
    batch.rollback();
    const fields = fieldsOf(line);
    if (typeof fields === "string") this.#quarantine(stream, line, fields);
    else this.#take(stream, { line, fields, header: chunk.header });
    batch.number("log.offset").values[batch.rows] = chunk.offset + at;
    batch.commit();
  }

  /** What the document adds to the line that its message is; undefined if it has the fields of such a line. */
  #addedBy(document: Uint8Array): Added | undefined {
    const batch = this.#batch;
    const fields = fieldsOf(document);
    if (typeof fields === "string" || fields.has("event.original")) return undefined;
    const dataset = datasetIn(fields);
    for (const name of ["message", "@timestamp", "log.offset"]) fields.delete(name);
    batch.reserve(1);
    batch.rollback();
    this.#putFields(fields);
    const added = addedFields(batch, dataset);
    batch.rollback();
    return added;
  }

  #take(
    stream: Stream,
    { line, fields, header }: { line: Uint8Array; fields: Fields; header: Chunk["header"] },
  ): void {
    const batch = this.#batch;
    const row = batch.rows;
    const dataset = datasetIn(fields);
    if (header?.identities !== undefined) takeIdentity(fields);
    const hasOriginal = fields.has("event.original");
    const message = this.#read(stream, fields.get("message"));
    if (message) this.#keepOfLine(stream, fields, message);
    this.#putFields(fields, header?.receivedMs);
    const named = stream.dataset ?? dataset;
    const own = named ?? datasetFor(message, header);
    batch.text("data_stream.dataset").putText(row, own);
    if (!message) {
      stream.lines.add(own, 1);
      stream.rowsOfOthers += 1;
    }
    if (message) batch.lines.putLine(row, message.bytes, 0, message.bytes.length);
    else if (!hasOriginal) batch.lines.putLine(row, line, 0, line.length);
  }

  /** Adds the fields of the document to those of the line. */
  #putFields(fields: Fields, receivedMs = this.#context.nowMs): void {
    const batch = this.#batch;
    const row = batch.rows;
    this.#extras.clear();
    this.#addExtras();
    const times = batch.number("@timestamp");
    const lineMs = times.values[row] ?? Number.NaN;
    if (!fields.has("@timestamp")) fields.set("@timestamp", receivedMs);
    putDocument({ batch, extras: this.#extras }, fields, this.#context);
    if (!Number.isNaN(lineMs)) times.values[row] = lineMs;
    else if (Number.isNaN(times.values[row])) times.put(row, receivedMs);
  }

  /** Reads the message into the open row; undefined, and the row is empty, if no format can. */
  #read(stream: Stream, text: unknown): Message | undefined {
    if (typeof text !== "string" || text === "") return undefined;
    const { formats } = stream;
    stream.unreadMessages += 1;
    const { unreadMessages } = stream;
    if (unreadMessages > UNREAD_MAX && unreadMessages % TRY_EVERY !== 0) return undefined;
    const bytes = Buffer.from(text);
    const whole = { bytes, start: 0, end: bytes.length };
    const origin = unwrap(whole, this.#context);
    const format = formats.read(origin ? readable(origin) : whole);
    if (!format) {
      this.#batch.rollback();
      return undefined;
    }
    stream.unreadMessages = 0;
    formats.count(format, 1);
    if (format !== formats.main) {
      stream.lines.add(format.dataset, 1);
      stream.rowsOfOthers += 1;
    }
    return { bytes, format, origin };
  }

  /** The line has its own time and text; the shipper's time is that at which it read the line. */
  #keepOfLine(stream: Stream, fields: Fields, { format, origin }: Message): void {
    const times = this.#batch.number("@timestamp");
    const row = this.#batch.rows;
    if (origin) {
      putOrigin(this.#batch, origin, { path: stream.path, format });
      if (Number.isNaN(times.values[row])) times.put(row, origin.timeMs);
    }
    fields.delete("message");
    if (!Number.isNaN(times.values[row])) fields.delete("@timestamp");
  }

  /** The fields without a column that the format wrote; those of the document are added to them. */
  #addExtras(): void {
    const column = this.#batch.text(EXTRA_FIELD);
    const id = column.ids[this.#batch.rows] ?? 0;
    if (id === 0) return;
    const written: Record<string, unknown> = JSON.parse(column.text(id));
    for (const [name, value] of Object.entries(written)) this.#extras.set(name, value);
  }

  #quarantine(stream: Stream, line: Uint8Array, reason: string): void {
    quarantineRow(this.#batch, { reason, atMs: this.#context.nowMs });
    this.#batch.lines.putLine(this.#batch.rows, line, 0, line.length);
    this.#counts.quarantined += 1;
    stream.recent.refuse(reason);
    stream.lines.add(QUARANTINE_DATASET, 1);
    stream.rowsOfOthers += 1;
  }
}

function fieldsOf(line: Uint8Array): Fields | string {
  const parsed = parseJsonLine(line, 0, line.length);
  if ("reason" in parsed) return parsed.reason;
  return flatten(parsed.object) ?? `JSON has more than ${FIELDS_MAX} fields`;
}

/** The dataset of an event whose sender named none. */
const datasetFor = (message: Message | undefined, header: Chunk["header"]): string =>
  message?.format.dataset ?? header?.unreadDataset ?? UNNAMED_DATASET;

/** The id that a sender gave to the document is that of the event, unless it has one. */
function takeIdentity(fields: Fields): void {
  const id = fields.get(IDENTITY_FIELDS.id);
  fields.delete(IDENTITY_FIELDS.id);
  fields.delete(IDENTITY_FIELDS.key);
  if (id !== undefined && !fields.has("event.id")) fields.set("event.id", id);
}

/** Removes the dataset that the sender named, if any, and returns it. */
function datasetIn(fields: Fields): string | undefined {
  const named = fields.get("data_stream.dataset") ?? fields.get("event.dataset");
  fields.delete("data_stream.dataset");
  fields.delete("event.dataset");
  return typeof named === "string" && named !== UNNAMED_DATASET ? nearestDataset(named) : undefined;
}
