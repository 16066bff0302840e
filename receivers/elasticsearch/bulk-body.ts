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

/** `document` is absent for `delete`. */
export type BulkItem = { action: Action; document: Uint8Array | undefined };

/**
 * The items of a bulk request: NDJSON of actions, each followed by its document.
 * @throws AppError bad_request with the number of the line, as Elasticsearch refuses a malformed request as a whole
 */
export function* bulkItems(body: Buffer, indexOfPath: string): Generator<BulkItem> {
  // Most requests repeat the same action.
  let known: { bytes: Uint8Array; action: Action } | undefined;
  let number = 0;
  for (let start = 0; start < body.length;) {
    const line = lineAt(body, start);
    start = line.next;
    number += 1;
    if (line.bytes.length === 0) continue;
    if (!known || !line.bytes.equals(known.bytes)) {
      known = { bytes: line.bytes, action: actionIn(line.bytes, { number, indexOfPath }) };
    }
    const { action } = known;
    if (action.operation === "delete") {
      yield { action, document: undefined };
      continue;
    }
    const document = lineAt(body, start);
    start = document.next;
    number += 1;
    if (document.bytes.length === 0) throw malformed(number, "a document must follow its action");
    yield { action, document: document.bytes };
  }
  if (number === 0) throw malformed(1, "the request has no actions");
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
