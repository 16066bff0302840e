import { Batch } from "#collectors/batch.ts";
import { ecs, timeProblem } from "#collectors/formats/ecs.ts";
import { IGNORED_FIELDS, ignoredFields } from "#collectors/formats/ignored-fields.ts";
import { UTC } from "#collectors/zone.ts";
import { covers, DATASET, DATASET_HINT, type Scope } from "#pipeline/dataset-names.ts";
import { DATASETS_MAX } from "#pipeline/datasets.ts";

export const FIELDS_MAX = 200;
export const FIELD_BYTES_MAX = 32 * 1024;
const DOCUMENT_BYTES_MAX = 256 * 1024;
/** Code of a refusal. */
export const TOO_MANY_DATASETS = "too_many_datasets";
const DATASET_FIELD = "data_stream.dataset";
const ORIGINAL_FIELD = "event.original";
const NAME_CHARS_MAX = 200;
const DEPTH_MAX = 20;
const RESET_EVERY = 256;
/** Control, space and invisible characters: a query cannot name such a field. */
const FORBIDDEN_NAME = /[\p{C}\p{Z}"\\]|^\.|\.$|\.\.|(?:^|\.)__proto__(?:\.|$)/u;

export type Refusal = { field: string; code: string; message: string };
type Verdict = { ok: true; line: string } | { ok: false; refusal: Refusal };
export type Received = {
  /** The document as it was sent, kept in `event.original` unless the sender set that. */
  original?: () => string;
  /** Time of arrival, epoch ms. */
  nowMs: number;
  /** The datasets that the caller may write. */
  scope: Scope;
  datasets: Datasets;
};

export type Datasets = {
  /** False if the dataset does not exist and there are too many already. */
  admits(dataset: string): boolean;
  /** To be called for the dataset of an accepted event. */
  add(dataset: string): void;
};

/**
 * Turns one JSON document, nested or flat, into a line of the bus: flat, with a time, a dataset that the caller may
 * write, and the time of arrival; unknown fields are kept. What cannot be stored as intended is refused with the field's
 * name. The line is checked by the parser that will read it, so that accepted documents are never quarantined.
 */
export type Normalise = (document: unknown, received: Received) => Verdict;

export function createNormaliser(): Normalise {
  const batch = new Batch(1);
  const context = { zone: UTC, nowMs: 0 };
  const scan = ecs.open(batch, context);
  let scanned = 0;
  return (document, received) => {
    const fields = new Map<string, unknown>();
    const refusal = flatten(fields, document) ?? complete(fields, received);
    if (refusal) return { ok: false, refusal };
    const line = JSON.stringify(Object.fromEntries(fields));
    const bytes = Buffer.from(line);
    if (bytes.length > DOCUMENT_BYTES_MAX) {
      return refuse("", "too_large", `a document has at most ${DOCUMENT_BYTES_MAX} bytes`);
    }
    context.nowMs = received.nowMs;
    scanned += 1;
    if (scanned % RESET_EVERY === 0) batch.reset();
    batch.rollback();
    const reason = scan(bytes, 0, bytes.length);
    if (reason !== undefined) return refuse("@timestamp", "invalid", reason);
    const wrongTime = timeProblem(fields.get("@timestamp"), context);
    if (wrongTime !== undefined) return refuse("@timestamp", "invalid", wrongTime);
    // An event that was exported may have the mark already.
    const [ignored] = fields.has(IGNORED_FIELDS) ? [] : ignoredFields(batch);
    if (ignored !== undefined) {
      const value = JSON.stringify(fields.get(ignored)).slice(0, 60);
      return refuse(ignored, "invalid", `${ignored} is not a number: ${value}`);
    }
    received.datasets.add(String(fields.get(DATASET_FIELD)));
    return { ok: true, line: withOriginal(line, fields, received) };
  };
}

/** Added to the checked line, because the original may be as large as the document. */
function withOriginal(
  line: string,
  fields: ReadonlyMap<string, unknown>,
  { original }: Received,
): string {
  if (original === undefined || fields.has(ORIGINAL_FIELD)) return line;
  return `${line.slice(0, -1)},"${ORIGINAL_FIELD}":${JSON.stringify(original())}}`;
}

const refuse = (field: string, code: string, message: string): Verdict & { ok: false } => ({
  ok: false,
  refusal: { field, code, message },
});

/** Flattens the document to dotted names; lists are kept. */
function flatten(fields: Map<string, unknown>, document: unknown): Refusal | undefined {
  if (!isObject(document)) {
    return { field: "", code: "invalid_type", message: "a log event is a JSON object" };
  }
  const pending: { prefix: string; depth: number; object: object }[] = [
    { prefix: "", depth: 1, object: document },
  ];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { prefix, depth, object } = next;
    for (const [key, value] of Object.entries(object)) {
      const name = `${prefix}${key}`;
      const message = wrongName(name) ?? wrongValue(value, depth);
      if (message !== undefined) {
        return { field: name.slice(0, NAME_CHARS_MAX), code: "invalid", message };
      }
      if (isObject(value)) {
        pending.push({ prefix: `${name}.`, depth: depth + 1, object: value });
      } else if (value !== null && value !== undefined) fields.set(name, value);
      if (fields.size > FIELDS_MAX) {
        const text = `a document has at most ${FIELDS_MAX} fields`;
        return { field: "", code: "too_many_fields", message: text };
      }
    }
  }
  return undefined;
}

function wrongName(name: string): string | undefined {
  if (name === "" || name.length > NAME_CHARS_MAX) {
    return `a field's name has 1 to ${NAME_CHARS_MAX} characters`;
  }
  if (!FORBIDDEN_NAME.test(name)) return undefined;
  return "a field's name has no spaces, control characters, quotes, empty parts or __proto__";
}

function wrongValue(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") {
    return Buffer.byteLength(value) > FIELD_BYTES_MAX
      ? `a field has at most ${FIELD_BYTES_MAX} bytes`
      : undefined;
  }
  if (typeof value === "number" && !Number.isFinite(value)) return "the number is too large";
  if (typeof value !== "object" || value === null) return undefined;
  if (isObject(value)) return depth < DEPTH_MAX ? undefined : TOO_DEEP;
  if (!isShallow(value, DEPTH_MAX - depth)) return TOO_DEEP;
  return Buffer.byteLength(JSON.stringify(value)) > FIELD_BYTES_MAX
    ? `a list has at most ${FIELD_BYTES_MAX} bytes as JSON`
    : undefined;
}

const TOO_DEEP = `a document is nested ${DEPTH_MAX} levels deep at most`;

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1));
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Sets dataset, time and arrival; `event.dataset` is the former ECS name. */
function complete(
  fields: Map<string, unknown>,
  { nowMs, scope, datasets }: Received,
): Refusal | undefined {
  const field = DATASET_FIELD;
  const dataset = fields.get(field) ?? fields.get("event.dataset");
  if (dataset === undefined) {
    return { field, code: "required", message: `name the dataset: ${DATASET_HINT}` };
  }
  if (typeof dataset !== "string" || !DATASET.test(dataset)) {
    return { field, code: "invalid", message: DATASET_HINT };
  }
  if (!covers(scope, dataset)) {
    const message = `you may not write to the dataset ${dataset}`;
    return { field, code: "forbidden", message };
  }
  if (!datasets.admits(dataset)) {
    const message = `${dataset} would be a new dataset, and there are already ${DATASETS_MAX}, the maximum: use an existing one, or set the retention of one that is no longer needed`;
    return { field, code: TOO_MANY_DATASETS, message };
  }
  fields.set(field, dataset);
  fields.delete("event.dataset");
  if (!fields.has("@timestamp")) fields.set("@timestamp", new Date(nowMs).toISOString());
  fields.set("event.ingested", new Date(nowMs).toISOString());
  return undefined;
}
