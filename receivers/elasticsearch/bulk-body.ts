import { parseJsonLine } from "#collectors/formats/json-line.ts";
import { AppError } from "#platform/errors.ts";

const LF = 0x0a;
const CR = 0x0d;
const OPERATIONS = ["index", "create", "update", "delete"] as const;

export type Action = {
  operation: (typeof OPERATIONS)[number];
  /** Empty if neither the action nor the path names it. */
  index: string;
  /** The id that the sender gave to the document. */
  id: string | undefined;
  /** An ingest pipeline, which is ignored. */
  pipeline: string | undefined;
};

/** `document` is absent for `delete`. `line`: that of the action, with its line end. */
export type BulkItem = { action: Action; document: Buffer | undefined; line: Buffer };

/** Reads the items of a bulk request: NDJSON of actions, each followed by its document. */
export class BulkReader {
  readonly #body: Buffer;
  readonly #indexOfPath: string;
  /** Where the next item begins. */
  at = 0;
  #lines = 0;
  /** Most requests repeat the same action. */
  #known: { bytes: Uint8Array; action: Action } | undefined;

  constructor(body: Buffer, indexOfPath: string) {
    this.#body = body;
    this.#indexOfPath = indexOfPath;
  }

  /**
   * The next item; undefined at the end.
   * @throws AppError bad_request with the number of the line, as Elasticsearch refuses a malformed request as a whole
   */
  next(): BulkItem | undefined {
    while (this.at < this.#body.length) {
      const start = this.at;
      const { bytes } = this.#line();
      if (bytes.length === 0) continue;
      const line = this.#body.subarray(start, this.at);
      const action = this.#actionOf(bytes);
      if (action.operation === "delete") return { action, document: undefined, line };
      const document = this.#line();
      if (document.bytes.length > 0) return { action, document: document.bytes, line };
      throw malformed(this.#lines, "a document must follow its action");
    }
    if (this.#lines === 0) throw malformed(1, "the request has no actions");
    return undefined;
  }

  /** Skips items of an action and a document each, which another reader has read. */
  skip(items: number, next: number): void {
    this.#lines += 2 * items;
    this.at = next;
  }

  #line(): { bytes: Buffer } {
    const line = lineAt(this.#body, this.at);
    this.at = line.next;
    this.#lines += 1;
    return line;
  }

  #actionOf(bytes: Buffer): Action {
    if (!this.#known || !bytes.equals(this.#known.bytes)) {
      const at = { number: this.#lines, indexOfPath: this.#indexOfPath };
      this.#known = { bytes, action: actionIn(bytes, at) };
    }
    return this.#known.action;
  }
}

function lineAt(body: Buffer, start: number): { bytes: Buffer; next: number } {
  const found = body.indexOf(LF, start);
  const next = found < 0 ? body.length : found;
  const end = next > start && body[next - 1] === CR ? next - 1 : next;
  return { bytes: body.subarray(start, end), next: next + 1 };
}

function actionIn(
  bytes: Uint8Array,
  { number, indexOfPath }: { number: number; indexOfPath: string },
): Action {
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) throw malformed(number, parsed.reason);
  const entries = Object.entries(parsed.object);
  const [name = "", given] = entries[0] ?? [];
  const operation = OPERATIONS.find((it) => it === name);
  if (!operation || entries.length !== 1 || !isObject(given)) {
    throw malformed(number, 'an action such as {"create":{}} is expected');
  }
  const text = (field: string): string | undefined => {
    const value = given[field];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const id = typeof given["_id"] === "number" ? String(given["_id"]) : text("_id");
  return { operation, index: text("_index") ?? indexOfPath, id, pipeline: text("pipeline") };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const malformed = (line: number, reason: string): AppError =>
  new AppError("bad_request", `Malformed action/metadata line [${line}]: ${reason}.`);
