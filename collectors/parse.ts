import { Batch } from "./batch.ts";
import { openDeriver, type Deriver } from "./derive/derive.ts";
import type { DeriveRules } from "./derive/request-pattern.ts";
import { emptyDocument, toDocument } from "./document.ts";
import type { Format, LineScanner } from "./format.ts";
import { textOf } from "./formats/bytes.ts";
import { LineSplitter, type SplitLine } from "./line-splitter.ts";
import type { Zone } from "./zone.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const ROWS_MAX = 1024;
/** Maximum size of lines that are buffered until their documents are built. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export type Document = Record<string, unknown>;

export type ParseOptions = {
  format: Format;
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

type Held = { line: SplitLine; reason: string | undefined };

/**
 * Converts lines to flat ECS documents, in order, each with its `event.original`. A line that the format cannot
 * parse becomes `event.kind: pipeline_error` with the reason in `error.message`.
 */
export class Parser {
  readonly #options: ParseOptions;
  readonly #splitter = new LineSplitter(LINE_BYTES_MAX);
  readonly #batch = new Batch(ROWS_MAX);
  readonly #scan: LineScanner;
  readonly #deriver: Deriver;
  #held: Held[] = [];
  #heldBytes = 0;
  #open: SplitLine[] = [];
  #openBytes = 0;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#scan = options.format.open(this.#batch, options);
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
    const { format, mode } = this.#options;
    if (mode === "lines" || !format.begins) {
      yield* this.#takeEvent(line);
      return;
    }
    const begins = format.begins(line.bytes, 0, line.bytes.length);
    if (begins || this.#openBytes + line.bytes.length > LINE_BYTES_MAX) yield* this.#takeOpen();
    this.#open.push({ ...line, bytes: new Uint8Array(line.bytes) });
    this.#openBytes += line.bytes.length + 1;
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
    const reason = this.#scan(line.bytes, 0, line.bytes.length);
    if (reason === undefined) {
      this.#batch
        .text("data_stream.dataset")
        .putText(this.#batch.rows, this.#options.format.dataset);
      this.#batch.commit();
    } else this.#batch.rollback();
    this.#held.push({ line: { ...line, bytes: new Uint8Array(line.bytes) }, reason });
    this.#heldBytes += line.bytes.length;
    if (this.#heldBytes > HELD_BYTES_MAX || this.#held.length >= ROWS_MAX) yield* this.#documents();
  }

  *#documents(): Generator<Document> {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#deriver.derive(0, this.#batch.rows);
    let row = 0;
    for (const { line, reason } of held) {
      const document = reason === undefined ? this.#document(row) : quarantined(reason);
      if (reason === undefined) row += 1;
      document["event.original"] = textOf(line.bytes, 0, line.bytes.length);
      if (line.bytesCut > 0) {
        document["log.flags"] = ["truncated"];
        const cut = `line cut: its last ${line.bytesCut} bytes are beyond the limit of ${LINE_BYTES_MAX}`;
        document["error.message"] = reason === undefined ? cut : `${reason}; ${cut}`;
      }
      yield document;
    }
    this.#batch.reset();
    this.#deriver.reset();
  }

  #document(row: number): Document {
    const document = toDocument(this.#batch, row);
    const { all, format } = this.#options;
    if (!all) {
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
