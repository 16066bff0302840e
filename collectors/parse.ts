import { Batch } from "./batch.ts";
import { openDeriver, type Deriver } from "./derive/derive.ts";
import type { DeriveRules } from "./derive/request-pattern.ts";
import { emptyDocument, toDocument } from "./document.ts";
import type { Format } from "./format.ts";
import { textOf } from "./formats/bytes.ts";
import { LineSplitter, type SplitLine } from "./line-splitter.ts";
import { BoundFormats, StreamFormats } from "./stream-formats.ts";
import type { Zone } from "./zone.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const ROWS_MAX = 1024;
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
};

/** A line with its format, or why it has none. */
type Held = { line: SplitLine; format: Format | undefined; reason: string };

/**
 * Converts lines to flat ECS documents, in order, each with its `event.original`. A line that the format cannot
 * parse becomes `event.kind: pipeline_error` with the reason in `error.message`.
 */
export class Parser {
  readonly #options: ParseOptions;
  readonly #splitter = new LineSplitter(LINE_BYTES_MAX);
  readonly #batch = new Batch(ROWS_MAX);
  readonly #formats: StreamFormats;
  readonly #deriver: Deriver;
  #held: Held[] = [];
  #heldBytes = 0;
  #open: SplitLine[] = [];
  #openBytes = 0;
  /** Whether lines may be added to the open event. */
  #mayContinue: boolean;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#formats = new StreamFormats(new BoundFormats(this.#batch, options));
    this.#formats.setMain(options.format);
    this.#formats.isOnly = options.hasOthers !== true;
    this.#mayContinue = !options.hasOthers;
    this.#deriver = openDeriver(this.#batch, options.rules);
  }

  *push(chunk: Uint8Array): Generator<Document> {
    for (const line of this.#splitter.push(chunk)) yield* this.#takeLine(line);
  }

  *end(): Generator<Document> {
    for (const line of this.#splitter.end()) yield* this.#takeLine(line);
    yield* this.#takeOpen();
    yield* this.#documents();
  }

  *#takeLine(line: SplitLine): Generator<Document> {
    const { format, mode, hasOthers } = this.#options;
    if (mode === "lines" || (!format.begins && !hasOthers)) {
      yield* this.#takeEvent(line);
      return;
    }
    const { bytes } = line;
    const begins = !this.#mayContinue || this.#formats.begins(bytes, 0, bytes.length);
    if (begins || this.#openBytes + bytes.length > LINE_BYTES_MAX) {
      yield* this.#takeOpen();
      this.#mayContinue = !hasOthers || this.#beginsLines(bytes);
    }
    this.#open.push({ ...line, bytes: new Uint8Array(line.bytes) });
    this.#openBytes += line.bytes.length + 1;
  }

  /** Whether the line begins an event that may have more lines. */
  #beginsLines(bytes: Uint8Array): boolean {
    if (this.#options.format.begins?.(bytes, 0, bytes.length)) return true;
    const format = this.#formats.read(bytes, 0, bytes.length);
    this.#batch.rollback();
    return format?.begins !== undefined;
  }

  *#takeOpen(): Generator<Document> {
    if (this.#open.length === 0) return;
    const newline = Buffer.from("\n");
    const bytes = Buffer.concat(
      this.#open.flatMap((line, index) => (index === 0 ? [line.bytes] : [newline, line.bytes])),
    );
    const bytesCut = this.#open.reduce((sum, line) => sum + line.bytesCut, 0);
    this.#open = [];
    this.#openBytes = 0;
    yield* this.#takeEvent({ bytes, bytesCut });
  }

  *#takeEvent(line: SplitLine): Generator<Document> {
    const format = this.#formats.read(line.bytes, 0, line.bytes.length);
    const { reason } = this.#formats;
    if (format) {
      this.#batch.text("data_stream.dataset").putText(this.#batch.rows, format.dataset);
      this.#batch.commit();
    } else this.#batch.rollback();
    this.#held.push({ line: { ...line, bytes: new Uint8Array(line.bytes) }, format, reason });
    this.#heldBytes += line.bytes.length;
    if (this.#heldBytes > HELD_BYTES_MAX || this.#held.length >= ROWS_MAX) yield* this.#documents();
  }

  *#documents(): Generator<Document> {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#deriver.derive(0, this.#batch.rows);
    let row = 0;
    for (const { line, format, reason } of held) {
      const document = format ? this.#document(row, format) : quarantined(reason);
      if (format) row += 1;
      document["event.original"] = textOf(line.bytes, 0, line.bytes.length);
      if (line.bytesCut > 0) {
        document["log.flags"] = ["truncated"];
        const cut = `line cut: its last ${line.bytesCut} bytes are beyond the limit of ${LINE_BYTES_MAX}`;
        document["error.message"] = format ? cut : `${reason}; ${cut}`;
      }
      yield document;
    }
    this.#batch.reset();
    this.#deriver.reset();
  }

  #document(row: number, format: Format): Document {
    const document = toDocument(this.#batch, row);
    if (!this.#options.all) {
      delete document["http.route"];
      format.toElastic?.(document);
    }
    return document;
  }
}

function quarantined(reason: string): Document {
  const document = emptyDocument();
  document["event.kind"] = "pipeline_error";
  document["error.message"] = reason;
  return document;
}

/** The same document with nested objects; if a name is both a value and a prefix, the longer name stays dotted. */
export function nested(document: Document): Document {
  const root = emptyDocument();
  const names = Object.keys(document).toSorted((a, b) => a.length - b.length);
  for (const name of names) {
    const path = name.split(".");
    let parent = root;
    let depth = 0;
    for (; depth < path.length - 1; depth += 1) {
      const child = (parent[path[depth] ?? ""] ??= emptyDocument());
      if (!isPlain(child)) break;
      parent = child;
    }
    parent[path.slice(depth).join(".")] = document[name];
  }
  return root;
}

/** Created by `nested`, not a value of the event: those have a prototype. */
function isPlain(value: unknown): value is Document {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
