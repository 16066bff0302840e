import type { Batch } from "#collectors/batch.ts";
import { mayHaveEnvelope } from "#collectors/envelopes/unwrap.ts";
import { EXTRA_FIELD, type NumberField, type TextField } from "#collectors/fields.ts";
import { MemberLines, type Packed, unpacked } from "#collectors/packed/packed-documents.ts";
import type { Chunk } from "#collectors/source.ts";

import type { SharedPlainLines } from "./shared-plain-lines.ts";
import { datasetOf, type Stream } from "./stream.ts";

/** Records whose added fields are remembered. */
const RECORDS_MAX = 256;
/** After so many messages that are not plain lines, the rest of the record is not examined for plain ones. */
const MISSES_MAX = 16;
const LF = 0x0a;
/** Fields that plain lines have: documents with one of them differ from their line. */
const LINE_FIELDS =
  /^(?:@timestamp|data_stream\.dataset|log\.offset|source\.address|user\.name|http\..*|url\..*|user_agent\..*)$/;

/** The fields that documents add to the line which their message is, and the dataset that they name. */
export type Added = {
  dataset: string | undefined;
  texts: (readonly [TextField, string])[];
  numbers: (readonly [NumberField, number])[];
  extras: string;
};

export type Documents = {
  /** Writes a document into a row. `at`: where its message begins in the chunk. */
  take(document: Buffer, at: number): void;
  /** The fields of a document without message, time and offset; undefined if it cannot be added to a line. */
  addedBy(document: Buffer): Added | undefined;
};

type PackedRecord = { chunk: Chunk; packed: Packed; bytes: Buffer; added: Added | undefined };

/**
 * Writes packed documents into rows. The messages of a record are read as lines of a file are: together as far as they are plain access
 * lines, and otherwise by the format of the stream. What it cannot read is read as a document.
 */
export class PackedLines {
  readonly #batch: Batch;
  readonly #plain: SharedPlainLines;
  readonly #added = new Map<string, Added | null>();

  constructor(batch: Batch, plain: SharedPlainLines) {
    this.#batch = batch;
    this.#plain = plain;
  }

  takeChunk(
    stream: Stream,
    { packed, chunk }: Pick<PackedRecord, "packed" | "chunk">,
    documents: Documents,
  ): void {
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length);
    const members = new MemberLines(packed, bytes);
    const added = this.#addedBy(packed, members.at(0), documents);
    const record = { chunk, packed, bytes, added };
    if (added) this.#openPlain(stream, record);
    let misses = 0;
    for (let at = 0, n = 0; at < packed.messageBytes;) {
      if (misses <= MISSES_MAX) {
        const { rows } = this.#batch;
        at = this.#takePlain(stream, record, at);
        n += this.#batch.rows - rows;
        if (at >= packed.messageBytes) return;
        misses += 1;
      }
      const found = bytes.indexOf(LF, at);
      const end = found < 0 ? packed.messageBytes : found;
      if (!this.#takeScanned(stream, record, { start: at, end })) {
        const message = bytes.toString("latin1", at, end);
        const text = unpacked(packed, { members: members.at(n), message });
        documents.take(Buffer.from(text ?? message), at);
      }
      at = end + 1;
      n += 1;
    }
  }

  /** The module is opened before the first row is written, so the format has to be known by then. */
  #openPlain({ formats }: Stream, { packed, bytes, chunk }: PackedRecord): void {
    if (this.#plain.lines === undefined && !formats.main && this.#batch.rows === 0) {
      const found = bytes.indexOf(LF);
      const end = found < 0 ? packed.messageBytes : found;
      // Without the messages after it, which are those of other documents.
      formats.read({ bytes: Buffer.from(bytes.subarray(0, end)), start: 0, end });
      this.#batch.rollback();
    }
    this.#plain.openFor(formats, chunk);
  }

  /** Reads the plain lines of the record from here on, and returns where the next message begins. */
  #takePlain(stream: Stream, { chunk, packed, bytes, added }: PackedRecord, at: number): number {
    const plain = this.#plain.lines;
    const { main, scanLine } = stream.formats;
    const tail = scanLine?.plainTail;
    if (!added || !plain || !main || !tail) return at;
    const batch = this.#batch;
    const messages = bytes.subarray(at, packed.messageBytes);
    const { rows } = batch;
    batch.lines.begin(messages);
    plain.begin({ bytes: messages, offset: chunk.offset + at, tail });
    const named = stream.dataset ?? added.dataset ?? datasetOf(stream, main);
    const next = plain.take(0, batch.text("data_stream.dataset").internText(named));
    if (batch.rows > rows) {
      fill(batch, added, { from: rows, to: batch.rows });
      stream.unreadMessages = 0;
    }
    return at + next;
  }

  /** Writes a message into a row that is a line of the main format; false if it is not one, and no row was written. */
  #takeScanned(
    stream: Stream,
    { chunk, bytes, added }: PackedRecord,
    { start, end }: { start: number; end: number },
  ): boolean {
    const { main, scanLine, readsHeader } = stream.formats;
    if (!added || !main || !scanLine) return false;
    if (!readsHeader && mayHaveEnvelope(bytes, start, end)) return false;
    const batch = this.#batch;
    batch.reserve(1);
    const row = batch.rows;
    if (scanLine(bytes, start, end) !== undefined || Number.isNaN(timeOf(batch))) {
      batch.rollback();
      return false;
    }
    fill(batch, added, { from: row, to: row + 1 });
    const named = stream.dataset ?? added.dataset ?? datasetOf(stream, main);
    batch.text("data_stream.dataset").putText(row, named);
    batch.lines.putLine(row, bytes, start, end);
    batch.number("log.offset").values[row] = chunk.offset + start;
    stream.unreadMessages = 0;
    batch.commit();
    return true;
  }

  /** What the documents of the record add to their lines. */
  #addedBy(packed: Packed, members: string, documents: Documents): Added | undefined {
    const text = unpacked(packed, { members, message: "-" });
    if (text === undefined) return undefined;
    const [codes = ""] = members.split("\t");
    const key = `${codes} ${JSON.stringify(packed.parts)}`;
    let added = this.#added.get(key);
    if (added === undefined) {
      if (this.#added.size >= RECORDS_MAX) this.#added.clear();
      this.#added.set(key, (added = documents.addedBy(Buffer.from(text)) ?? null));
    }
    return added ?? undefined;
  }
}

const timeOf = (batch: Batch): number =>
  batch.number("@timestamp").values[batch.rows] ?? Number.NaN;

/** The fields of the open row, which has those of a document; undefined if a plain line may have one of them. */
export function addedFields(batch: Batch, dataset: string | undefined): Added | undefined {
  const row = batch.rows;
  const added: Added = { dataset, texts: [], numbers: [], extras: "" };
  for (const [name, column] of batch.textColumns()) {
    const id = column.ids[row] ?? 0;
    if (id === 0) continue;
    if (LINE_FIELDS.test(name)) return undefined;
    if (name === EXTRA_FIELD) added.extras = column.text(id);
    else added.texts.push([name, column.text(id)]);
  }
  for (const [name, column] of batch.numberColumns()) {
    const value = column.values[row] ?? Number.NaN;
    if (Number.isNaN(value) || name === "@timestamp") continue;
    if (LINE_FIELDS.test(name)) return undefined;
    added.numbers.push([name, value]);
  }
  return added;
}

function fill(
  batch: Batch,
  { texts, numbers, extras }: Added,
  { from, to }: { from: number; to: number },
): void {
  for (const [name, text] of texts) {
    const column = batch.text(name);
    column.ids.fill(column.internText(text), from, to);
  }
  for (const [name, value] of numbers) batch.number(name).values.fill(value, from, to);
  if (extras === "") return;
  const column = batch.text(EXTRA_FIELD);
  const id = column.internText(extras);
  for (let row = from; row < to; row += 1) {
    const own = column.ids[row] ?? 0;
    // What follows the user agent of a line may have fields without a column too.
    if (own === 0) column.ids[row] = id;
    else column.putText(row, mergedExtras(column.text(own), extras));
  }
}

function mergedExtras(line: string, document: string): string {
  const merged: unknown = { ...JSON.parse(line), ...JSON.parse(document) };
  return JSON.stringify(merged);
}
