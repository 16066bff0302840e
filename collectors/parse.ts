import { Batch } from "./batch.ts";
import { openDeriver } from "./derive/derive.ts";
import type { DeriveRules } from "./derive/request-pattern.ts";
import { sampleLines } from "./detect.ts";
import { emptyDocument, toDocument } from "./document.ts";
import type { DurationUnits } from "./duration-units.ts";
import { headerOf, joinedLines, type ReadableLine } from "./envelopes/envelope.ts";
import { putOrigin } from "./envelopes/put-origin.ts";
import {
  isEmpty,
  joined,
  keyOfNext,
  NO_ORIGIN,
  originKey,
  readable,
  unwrap,
  withCommon,
  type Unwrapped,
} from "./envelopes/unwrap.ts";
import type { Format, FormatContext } from "./format.ts";
import { textOf } from "./formats/bytes.ts";
import { LineSplitter, type SplitLine } from "./line-splitter.ts";
import { type CommonFields, recordsIn } from "./records.ts";
import { BoundFormats, type EventLines, StreamFormats } from "./stream-formats.ts";
import type { Zone } from "./zone.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const ROWS_MAX = 1024;
const LF = 0x0a;
const LINE_END = Buffer.from("\n");
/** Maximum size of lines that are buffered until their documents are built. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export type Document = Record<string, unknown>;

export type ParseOptions = {
  format: Format;
  /** Whether lines of other formats are read too. Default: all lines are of this format. */
  hasOthers?: boolean;
  /** `lines`: each line is an event. `text`: events may span lines if the format has `begins`. */
  mode: "lines" | "text";
  /** Zone of times without one. */
  zone: Zone;
  nowMs: number;
  /** Whether to include the fields that Quarterdeck adds to those of Elastic's modules, such as `http.route`. */
  all: boolean;
  /** The patterns of sign-ins and sign-outs. */
  rules: DeriveRules;
  /** What its durations mean. Default: decided by its lines. */
  units?: DurationUnits;
  /** What happens to events before they are stored. Default: nothing. */
  processing?: RowProcessing | undefined;
};

export type RowProcessing = {
  open(batch: Batch): { process(fromRow: number): void; reset(): void };
  /** Writes the open row of a line that no format can parse. */
  quarantine(batch: Batch, line: { reason: string; atMs: number }): void;
};

/** A line as it was read, or several ones that are an event, and what formats read of it. */
type ParsedLine = SplitLine & { read: ReadableLine; origin: Unwrapped | undefined };

/** A line with its format, or why it has none. */
type Held = { line: ParsedLine; format: Format | undefined; reason: string };

/** An event to which lines may be added. */
type OpenEvent = { lines: ParsedLine[]; bytes: number; event: EventLines | undefined };

/**
 * Converts lines to flat ECS documents, in order, each with its `event.original`. A line that the format cannot
 * parse becomes `event.kind: pipeline_error` with the reason in `error.message`.
 */
export class Parser {
  readonly #options: ParseOptions & FormatContext;
  readonly #splitter = new LineSplitter(LINE_BYTES_MAX);
  readonly #batch = new Batch(ROWS_MAX);
  readonly #formats: StreamFormats;
  readonly #processor: ReturnType<RowProcessing["open"]>;
  #held: Held[] = [];
  #heldBytes = 0;
  #isSampled = false;
  /** Time for events without one: that of the event before, or of the first one with a time. */
  #eventMs: number | undefined;
  /** By the origin of their lines. */
  readonly #open = new Map<string, OpenEvent>();
  readonly #parts = new Map<string, ParsedLine[]>();

  constructor(options: ParseOptions) {
    const { trustedProxies, cloudFrontFields } = options.rules;
    this.#options = { ...options, trustedProxies, cloudFrontFields };
    this.#formats = new StreamFormats(new BoundFormats(this.#batch, this.#options));
    this.#formats.setMain(options.format);
    this.#formats.isOnly = options.hasOthers !== true;
    this.#processor =
      options.processing?.open(this.#batch) ?? derivation(this.#batch, options.rules);
  }

  *push(chunk: Uint8Array): Generator<Document> {
    this.#sample(chunk);
    for (const line of this.#splitter.push(chunk)) yield* this.#takeRecords(line);
  }

  /** Reads the first lines twice, so that the units of their durations are decided with the evidence of all of them. */
  #sample(chunk: Uint8Array): void {
    if (this.#isSampled) return;
    this.#isSampled = true;
    for (const bytes of sampleLines([chunk.subarray(0, chunk.lastIndexOf(LF) + 1)])) {
      const timeMs = this.#formats.tryMain({ bytes, start: 0, end: bytes.length });
      if (timeMs <= this.#options.nowMs) this.#eventMs ??= timeMs;
    }
    this.#options.units?.endSample();
  }

  *end(): Generator<Document> {
    for (const line of this.#splitter.end()) yield* this.#takeRecords(line);
    for (const key of this.#parts.keys()) yield* this.#takeParts(key);
    for (const key of this.#open.keys()) yield* this.#takeOpen(key);
    yield* this.#documents();
  }

  *#takeRecords({ bytes, bytesCut }: SplitLine): Generator<Document> {
    const records = recordsIn(bytes, 0, bytes.length);
    if (!records) return yield* this.#takeSplit({ bytes, bytesCut });
    for (const [index, { start, end, common }] of records.entries()) {
      const isLast = index === records.length - 1;
      const record = { bytes: bytes.subarray(start, end), bytesCut: isLast ? bytesCut : 0 };
      yield* this.#takeSplit(record, common);
    }
  }

  /** Removes the envelopes of the line, and joins it with the parts before it. */
  *#takeSplit(split: SplitLine, common?: CommonFields): Generator<Document> {
    const line = { bytes: new Uint8Array(split.bytes), start: 0, end: split.bytes.length };
    const unwrapped = unwrap(line, this.#options);
    const origin = unwrapped && withCommon(unwrapped, common);
    const read = origin ? readable(origin) : line;
    const parsed = { ...split, bytes: line.bytes, read, origin };
    const key = origin ? originKey(origin) : NO_ORIGIN;
    const parts = this.#parts.get(key);
    if (!origin || (!parts && !origin.isPartial)) {
      yield* this.#takeLine(parsed, key);
      return;
    }
    if (parts) parts.push(parsed);
    else this.#parts.set(key, [parsed]);
    const bytes = (parts ?? []).reduce((sum, part) => sum + part.bytes.length, 0);
    if (!origin.isPartial || bytes > LINE_BYTES_MAX) yield* this.#takeParts(key);
  }

  *#takeParts(key: string): Generator<Document> {
    const parts = this.#parts.get(key) ?? [];
    this.#parts.delete(key);
    const first = parts[0]?.origin;
    if (!first) return;
    const origin = joined(
      Buffer.concat(parts.map(({ read }) => bytesOf(read))),
      first,
      this.#options,
    );
    const read = readable(origin);
    yield* this.#takeLine({ ...originalOf(parts), read, origin }, key);
  }

  *#takeLine(line: ParsedLine, key: string): Generator<Document> {
    const { format, mode, hasOthers } = this.#options;
    if (this.#formats.takesHeader(line.read)) return;
    if (mode === "lines" || (!format.begins && !hasOthers)) {
      yield* this.#takeEvent(line);
    } else yield* this.#takeOrHold(line, key);
  }

  *#takeOrHold(line: ParsedLine, key: string): Generator<Document> {
    const open = this.#open.get(key);
    const { length } = line.bytes;
    const continues = open?.event && this.#formats.continues(open.event, line.read);
    if (open && continues && open.bytes + length <= LINE_BYTES_MAX) {
      open.lines.push(line);
      open.bytes += length + 1;
      return;
    }
    yield* this.#takeOpen(key);
    if (line.origin) yield* this.#takeOpen(NO_ORIGIN);
    const event = this.#eventOf(line.read);
    const { origin } = line;
    const next = keyOfNext(key, { origin, readsHeader: event?.format?.readsHeader });
    this.#open.set(next, { lines: [line], bytes: length + 1, event });
  }

  /** Undefined if the line is an event that has no other lines. */
  #eventOf(line: ReadableLine): EventLines | undefined {
    const { format: main, hasOthers } = this.#options;
    if (!hasOthers || this.#formats.mayBegin(line)) return this.#formats.eventOf(line, main);
    const format = this.#formats.read(line);
    this.#batch.rollback();
    return format?.begins && this.#formats.eventOf(line, format);
  }

  *#takeOpen(key: string): Generator<Document> {
    const { lines } = this.#open.get(key) ?? { lines: [] };
    this.#open.delete(key);
    const [first] = lines;
    if (!first) return;
    const bytes = withLineEnds(lines.map(({ read }) => bytesOf(read)));
    const read =
      lines.length === 1 ? first.read : joinedLines(bytes, headerOf(first.read), first.read.zone);
    yield* this.#takeEvent({ ...originalOf(lines), read, origin: first.origin });
  }

  *#takeEvent(line: ParsedLine): Generator<Document> {
    const format = this.#formats.read(line.read);
    const { reason } = this.#formats;
    if (!format && line.origin && isEmpty(line.origin)) return;
    if (format) {
      this.#batch.text("data_stream.dataset").putText(this.#batch.rows, format.dataset);
      if (line.origin) putOrigin(this.#batch, line.origin, { path: "", format });
      this.#putTime(line.origin);
      this.#commit(line);
    } else this.#quarantine(line, reason);
    this.#held.push({ line, format, reason });
    this.#heldBytes += line.bytes.length;
    if (this.#heldBytes > HELD_BYTES_MAX || this.#held.length >= ROWS_MAX) yield* this.#documents();
  }

  #commit({ bytes }: ParsedLine): void {
    if (this.#options.processing) this.#batch.lines.put(this.#batch.rows, bytes, 0, bytes.length);
    this.#batch.commit();
  }

  /** The line is a row only if there is something to process in it. */
  #quarantine(line: ParsedLine, reason: string): void {
    const { processing, nowMs } = this.#options;
    if (!processing) return this.#batch.rollback();
    processing.quarantine(this.#batch, { reason, atMs: this.#eventMs ?? nowMs });
    return this.#commit(line);
  }

  /** An event without a time of its own has that of its envelope, otherwise that of the event before it. */
  #putTime(origin: Unwrapped | undefined): void {
    const time = this.#batch.number("@timestamp");
    const row = this.#batch.rows;
    const known = [time.values[row], origin?.timeMs, this.#eventMs];
    const ms = known.find((candidate) => candidate !== undefined && !Number.isNaN(candidate));
    time.put(row, (this.#eventMs = ms ?? this.#options.nowMs));
  }

  *#documents(): Generator<Document> {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#processor.process(0);
    let row = 0;
    for (const { line, format, reason } of held) {
      const isRow = format !== undefined || this.#options.processing !== undefined;
      const document = isRow ? this.#document(row) : quarantined(reason);
      if (isRow) row += 1;
      document["event.original"] ??= textOf(line.bytes, 0, line.bytes.length);
      if (format && !this.#options.all) format.toElastic?.(document);
      if (line.bytesCut > 0) {
        document["log.flags"] = ["truncated"];
        const cut = `line cut: its last ${line.bytesCut} bytes are beyond the limit of ${LINE_BYTES_MAX}`;
        document["error.message"] = format ? cut : `${reason}; ${cut}`;
      }
      yield document;
    }
    this.#batch.reset();
    this.#processor.reset();
  }

  #document(row: number): Document {
    const document = toDocument(this.#batch, row);
    if (!this.#options.all) delete document["http.route"];
    return document;
  }
}

function derivation(batch: Batch, rules: DeriveRules): ReturnType<RowProcessing["open"]> {
  const deriver = openDeriver(batch, rules);
  return {
    process: (fromRow) => deriver.derive(fromRow, batch.rows),
    reset: () => deriver.reset(),
  };
}

const withLineEnds = (lines: readonly Uint8Array[]): Buffer =>
  Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LINE_END, line])));

function originalOf(lines: readonly ParsedLine[]): SplitLine {
  const bytes = withLineEnds(lines.map((line) => line.bytes));
  return { bytes, bytesCut: lines.reduce((sum, line) => sum + line.bytesCut, 0) };
}

const bytesOf = ({ bytes, start, end }: ReadableLine): Uint8Array => bytes.subarray(start, end);

function quarantined(reason: string): Document {
  const document = emptyDocument();
  document["event.kind"] = "pipeline_error";
  document["error.message"] = reason;
  return document;
}
