import { type JsonLine, FIELDS_MAX, parseJsonLine } from "#collectors/formats/json-line.ts";
import { nearestDataset } from "#pipeline/dataset-names.ts";

/** Larger documents are refused. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const NAME_LENGTH_MAX = 200;
/** The dataset that shippers name if nobody named another one. */
const UNNAMED_DATASET = "generic";

/** Why a document is refused, for the sender. */
export type Refusal = {
  code: "no_json" | "too_large" | "too_many_fields" | "damaged" | "forbidden";
  message: string;
};

export type Fields = Readonly<Record<string, unknown>>;
type Judged = { ok: true; fields: Fields } | { ok: false; refusal: Refusal };

/** Whether the bytes are a JSON object that can be stored. */
export function judgeDocument(bytes: Uint8Array): Judged {
  if (bytes.length > DOCUMENT_BYTES_MAX) {
    return refused("too_large", `the event is larger than ${DOCUMENT_BYTES_MAX} bytes`);
  }
  const parsed: JsonLine = parseJsonLine(bytes, 0, bytes.length);
  if ("reason" in parsed) return refused("no_json", parsed.reason);
  if (countFields(parsed.object) > FIELDS_MAX) {
    return refused("too_many_fields", `the event has more than ${FIELDS_MAX} fields`);
  }
  return { ok: true, fields: parsed.object };
}

const refused = (code: Refusal["code"], message: string): Judged => ({
  ok: false,
  refusal: { code, message },
});

/** The number of values that are no objects, as far as it is needed: nesting is limited by the parser. */
export function countFields(object: Fields): number {
  let count = 0;
  for (const name in object) {
    const value = object[name];
    count += isFields(value) ? countFields(value) : 1;
    if (count > FIELDS_MAX) return count;
  }
  return count;
}

/** The text of a field, nested or with a dotted name; undefined if it has none. */
export function textIn(fields: Fields, name: string): string | undefined {
  const flat = fields[name];
  if (typeof flat === "string") return flat;
  let value: unknown = fields;
  for (const part of name.split(".")) {
    if (!isFields(value)) return undefined;
    value = value[part];
  }
  return typeof value === "string" ? value : undefined;
}

/** The dataset that the sender named in the document. */
export function namedDataset(fields: Fields): string | undefined {
  const named = textIn(fields, "data_stream.dataset") ?? textIn(fields, "event.dataset");
  return named === undefined || named === UNNAMED_DATASET ? undefined : nearestDataset(named);
}

/** The fields that tell which program wrote a log, the most exact one first. */
const ORIGINS = ["log.file.path", "container.id", "kubernetes.pod.name", "service.name"];

/** A name of the stream of which the document is a part; empty if it states none. */
export function streamOf(fields: Fields): string {
  for (const name of ORIGINS) {
    const origin = textIn(fields, name);
    if (origin === undefined || origin === "") continue;
    const host = textIn(fields, "host.name") ?? "";
    return `${host} ${origin}`.trim().slice(0, NAME_LENGTH_MAX);
  }
  return "";
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
