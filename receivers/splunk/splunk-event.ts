import { nearestDataset } from "#pipeline/dataset-names.ts";

/** What a sender states about its events, in the event or in the query. */
export type Metadata = {
  host?: unknown;
  source?: unknown;
  sourcetype?: unknown;
  index?: unknown;
};

type Fields = Record<string, unknown>;
type SplunkDocument = { ok: true; document: Fields } | { ok: false; code: number };

/** Codes of Splunk. */
const EVENT_REQUIRED = 12;
const EVENT_BLANK = 13;
const INVALID_FORMAT = 6;
const SECONDS_MAX = 8.64e12;
/** Splunk's own names for what nobody named. */
const UNNAMED = new Set(["", "main", "default", "_json", "httpevent", "generic_single_line"]);

/** An event of a request as an ECS document, or the code of the error. */
export function splunkDocument(event: Readonly<Fields>): SplunkDocument {
  const content = event["event"];
  if (content === undefined || content === null) return { ok: false, code: EVENT_REQUIRED };
  if (content === "") return { ok: false, code: EVENT_BLANK };
  const document: Fields = Object.create(null);
  if (typeof content === "object" && !Array.isArray(content)) Object.assign(document, content);
  else document["message"] = typeof content === "string" ? content : JSON.stringify(content);
  const { fields } = event;
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
    Object.assign(document, fields);
  }
  const timeMs = timeOf(event["time"]);
  if (timeMs === "invalid") return { ok: false, code: INVALID_FORMAT };
  if (timeMs !== undefined) document["@timestamp"] = new Date(timeMs).toISOString();
  Object.assign(document, originOf(event));
  return { ok: true, document };
}

/** Seconds since the epoch, as a number or a text. */
function timeOf(value: unknown): number | "invalid" | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const isNumber = typeof value === "number" || (typeof value === "string" && value.trim() !== "");
  const seconds = isNumber ? Number(value) : Number.NaN;
  return seconds >= 0 && seconds <= SECONDS_MAX ? Math.round(seconds * 1_000) : "invalid";
}

/** The ECS fields of the metadata; a source that is no file is a label. */
export function originOf({ host, source, sourcetype, index }: Metadata): Record<string, string> {
  const isFile = textOf(source)?.startsWith("/") === true;
  const named = {
    "host.name": host,
    [isFile ? "log.file.path" : "labels.source"]: source,
    "labels.sourcetype": sourcetype,
    "labels.index": index,
  };
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(named)) {
    const text = textOf(value);
    if (text !== undefined) fields[name] = text;
  }
  return fields;
}

/** The dataset of events whose format is not recognised: that of their source type, otherwise of their index. */
export function unreadDataset({ sourcetype, index }: Metadata): string | undefined {
  const name = [sourcetype, index].map(textOf).find((it) => it !== undefined && !UNNAMED.has(it));
  return name === undefined ? undefined : nearestDataset(name);
}

/** The name of the stream. */
export const streamOf = ({ host, source, sourcetype }: Metadata): string =>
  [host, source, sourcetype]
    .map((it) => textOf(it) ?? "")
    .join(" ")
    .trim()
    .slice(0, 200);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
