import type { Batch } from "#collectors/batch.ts";
import { EXTRA_FIELD, type NumberField, type TextField } from "#collectors/fields.ts";
import type { PlainTail } from "#collectors/format.ts";
import {
  OFFSET_CODE,
  packedLine,
  TAB,
  TIME_CODE,
  unpacked,
  unpackedLine,
} from "#collectors/packed/packed-documents.ts";
import type { Chunk } from "#collectors/source.ts";

import type { SharedPlainLines } from "./shared-plain-lines.ts";
import { datasetOf, type Stream } from "./stream.ts";

/** Headers whose documents are remembered, and documents of each. */
const HEADERS_MAX = 16;
const DOCUMENTS_MAX = 4_096;
const RUN_BYTES = 512 * 1024;
const RUN_LINES = 8_192;
/** After so many lines that are not plain, the rest of the chunk is not examined for plain ones. */
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
  /** Writes a document into a row. `at`: where it begins in the chunk. */
  take(document: Buffer, at: number): void;
  /** The same for a line that is not packed, which may have several events. */
  takeLine(line: Buffer, at: number): void;
  /** The fields of a document without message, time and offset; undefined if it cannot be added to a line. */
  addedBy(document: Buffer): Added | undefined;
};

/** Messages of consecutive documents that add the same fields. */
type Run = { added: Added; bytes: number; lines: number };

/**
 * Writes packed documents into rows. The messages of those that add the same fields are read together, as lines of a file are, as far
 * as they are plain access lines; the others are read as documents.
 */
export class PackedLines {
  readonly #batch: Batch;
  readonly #plain: SharedPlainLines;
  readonly #headers = new Map<string, Map<string, Added | null>>();
  readonly #same = new Map<string, Added>();
  readonly #messages = Buffer.allocUnsafeSlow(RUN_BYTES);
  readonly #messageStarts = new Uint32Array(RUN_LINES);
  readonly #lineStarts = new Uint32Array(RUN_LINES);
  readonly #lineEnds = new Uint32Array(RUN_LINES);
  #run: Run | undefined;
  #misses = 0;

  constructor(batch: Batch, plain: SharedPlainLines) {
    this.#batch = batch;
    this.#plain = plain;
  }

  takeChunk(stream: Stream, chunk: Chunk, documents: Documents): void {
    const parts = chunk.header?.parts ?? [];
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length);
    const known = this.#knownOf(parts);
    this.#misses = 0;
    const flush = (): void => this.#flush(stream, { chunk, bytes, parts }, documents);
    for (let start = 0; start < bytes.length;) {
      const found = bytes.indexOf(LF, start);
      const end = found < 0 ? bytes.length : found;
      const line = this.#misses > MISSES_MAX ? undefined : packedLine(bytes, start, end);
      const added = line && this.#addedBy(line.codes, { parts, known, documents });
      if (!added || end - line.messageStart >= RUN_BYTES) {
        flush();
        if (bytes[start] !== TAB) documents.takeLine(bytes.subarray(start, end), start);
        else documents.take(unpackedLine(parts, { bytes, start, end }), start);
      } else {
        if (this.#isOther(added, end - line.messageStart + 1)) flush();
        this.#add(added, { bytes, start, end, messageStart: line.messageStart });
      }
      start = end + 1;
    }
    flush();
  }

  #isOther(added: Added, size: number): boolean {
    const run = this.#run;
    if (!run) return false;
    return run.added !== added || run.bytes + size > RUN_BYTES || run.lines === RUN_LINES;
  }

  #add(
    added: Added,
    line: { bytes: Buffer; start: number; end: number; messageStart: number },
  ): void {
    const { bytes, start, end, messageStart } = line;
    const run = (this.#run ??= { added, bytes: 0, lines: 0 });
    this.#messageStarts[run.lines] = run.bytes;
    this.#lineStarts[run.lines] = start;
    this.#lineEnds[run.lines] = end;
    bytes.copy(this.#messages, run.bytes, messageStart, end);
    run.bytes += end - messageStart;
    this.#messages[run.bytes] = LF;
    run.bytes += 1;
    run.lines += 1;
  }

  /** Writes the messages of the run into rows. */
  #flush(
    stream: Stream,
    { chunk, bytes, parts }: { chunk: Chunk; bytes: Buffer; parts: readonly string[] },
    documents: Documents,
  ): void {
    const run = this.#run;
    this.#run = undefined;
    if (!run) return;
    for (let line = 0; line < run.lines;) {
      this.#plain.openFor(stream.formats, chunk);
      const tail = stream.formats.scanLine?.plainTail;
      if (tail && this.#misses <= MISSES_MAX)
        line += this.#takePlain(stream, { run, line, chunk, tail });
      if (line === run.lines) return;
      if (tail) this.#misses += 1;
      const [start, end] = [this.#lineStarts[line] ?? 0, this.#lineEnds[line] ?? 0];
      documents.take(unpackedLine(parts, { bytes, start, end }), start);
      line += 1;
    }
  }

  /** Reads the plain lines of the run from this line on, and returns their number. */
  #takePlain(
    stream: Stream,
    { run, line, chunk, tail }: { run: Run; line: number; chunk: Chunk; tail: PlainTail },
  ): number {
    const plain = this.#plain.lines;
    const { main } = stream.formats;
    if (!plain || !main) return 0;
    const batch = this.#batch;
    const bytes = this.#messages.subarray(this.#messageStarts[line], run.bytes);
    const { rows } = batch;
    batch.reserve(run.lines - line);
    batch.lines.begin(bytes);
    plain.begin({ bytes, offset: 0, tail });
    const named = stream.dataset ?? run.added.dataset ?? datasetOf(stream, main);
    plain.take(0, batch.text("data_stream.dataset").internText(named));
    const taken = batch.rows - rows;
    const offsets = batch.number("log.offset").values;
    for (let n = 0; n < taken; n += 1) {
      offsets[rows + n] = chunk.offset + (this.#lineStarts[line + n] ?? 0);
    }
    if (taken > 0) {
      fill(batch, run.added, { from: rows, to: batch.rows });
      stream.unreadMessages = 0;
    }
    return taken;
  }

  #knownOf(parts: readonly string[]): Map<string, Added | null> {
    const key = parts.join("\n");
    const known = this.#headers.get(key) ?? new Map<string, Added | null>();
    this.#headers.delete(key);
    this.#headers.set(key, known);
    const [oldest] = this.#headers.keys();
    if (this.#headers.size > HEADERS_MAX && oldest !== undefined) this.#headers.delete(oldest);
    return known;
  }

  #addedBy(
    codes: string,
    about: { parts: readonly string[]; known: Map<string, Added | null>; documents: Documents },
  ): Added | undefined {
    const { parts, known, documents } = about;
    let added = known.get(codes);
    if (added === undefined) {
      if (known.size >= DOCUMENTS_MAX) known.clear();
      const text = unpacked(parts, codes, { values: valuesFor(codes), message: "-" });
      added = (text && this.#shared(documents.addedBy(Buffer.from(text)))) || null;
      known.set(codes, added);
    }
    return added ?? undefined;
  }

  /** One object for the same fields, whatever their order in the documents. */
  #shared(added: Added | undefined): Added | undefined {
    if (!added) return undefined;
    const key = JSON.stringify(added);
    const same = this.#same.get(key);
    if (same) return same;
    if (this.#same.size >= DOCUMENTS_MAX) this.#same.clear();
    this.#same.set(key, added);
    return added;
  }
}

/** Any values, to see what the document has besides. */
const valuesFor = (codes: string): string[] =>
  codes.split("").flatMap((code) => {
    if (code === TIME_CODE) return ['"2000-01-01T00:00:00Z"'];
    return code === OFFSET_CODE ? ["0"] : [];
  });

/** The fields of the open row, which has those of a document; undefined if a plain line may have one of them. */
export function addedFields(batch: Batch, dataset: string | undefined): Added | undefined {
  const row = batch.rows;
  const added: Added = { dataset, texts: [], numbers: [], extras: "" };
  for (const [name, column] of batch.textColumns()) {
    const id = column.ids[row] ?? 0;
    if (id === 0) continue;
    if (LINE_FIELDS.test(name)) return undefined;
    if (name === EXTRA_FIELD) added.extras = sortedJson(column.text(id));
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

/** Documents with the same fields in another order add the same. */
function sortedJson(json: string): string {
  const fields: Record<string, unknown> = JSON.parse(json);
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
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
