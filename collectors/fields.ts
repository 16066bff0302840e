/**
 * The ECS fields that Quarterdeck stores as columns. Other fields are stored as JSON (see `EXTRA_FIELD`); searching
 * them is slower.
 *
 * - keyword: one string; - keywords: several strings; - long: an integer up to 2^53; - double; - date: epoch ms;
 * - boolean.
 */
export type FieldType = "keyword" | "keywords" | "long" | "double" | "date" | "boolean";

export const FIELDS = {
  "@timestamp": "date",
  message: "keyword",
  "data_stream.dataset": "keyword",
  "event.kind": "keyword",
  "event.category": "keywords",
  "event.type": "keywords",
  "event.outcome": "keyword",
  "event.action": "keyword",
  "event.original": "keyword",
  "event.duration": "long",
  "event.timezone": "keyword",
  "error.message": "keyword",
  "log.level": "keyword",
  "log.iostream": "keyword",
  "log.offset": "long",
  "log.file.path": "keyword",
  "log.source.id": "keyword",
  "log.syslog.facility.code": "long",
  "log.syslog.facility.name": "keyword",
  "log.syslog.severity.code": "long",
  "log.syslog.severity.name": "keyword",
  "host.name": "keyword",
  "host.hostname": "keyword",
  "container.id": "keyword",
  "container.name": "keyword",
  "service.name": "keyword",
  "service.version": "keyword",
  "service.environment": "keyword",
  "service.node.name": "keyword",
  "haproxy.server_name": "keyword",
  "haproxy.connections.active": "long",
  "haproxy.backend_queue": "long",
  "nginx.upstream.address": "keyword",
  "varnish.handling": "keyword",
  "process.name": "keyword",
  "process.pid": "long",
  "process.thread.id": "long",
  "http.request.method": "keyword",
  "http.request.referrer": "keyword",
  "http.request.id": "keyword",
  "http.request.bytes": "long",
  "http.response.status_code": "long",
  "http.response.body.bytes": "long",
  "http.response.bytes": "long",
  "http.version": "keyword",
  "http.route": "keyword",
  "url.original": "keyword",
  "url.path": "keyword",
  "url.query": "keyword",
  "url.extension": "keyword",
  "url.domain": "keyword",
  "url.port": "long",
  "url.scheme": "keyword",
  "user_agent.original": "keyword",
  "user_agent.name": "keyword",
  "user_agent.version": "keyword",
  "user_agent.os.name": "keyword",
  "user_agent.os.version": "keyword",
  "user_agent.os.full": "keyword",
  "user_agent.device.name": "keyword",
  "source.address": "keyword",
  "source.ip": "keyword",
  "source.port": "long",
  "source.domain": "keyword",
  "source.geo.country_iso_code": "keyword",
  "source.geo.country_name": "keyword",
  "source.as.number": "long",
  "source.as.organization.name": "keyword",
  "destination.address": "keyword",
  "destination.ip": "keyword",
  "destination.domain": "keyword",
  "destination.port": "long",
  "server.address": "keyword",
  "user.name": "keyword",
  "user.id": "keyword",
  "user.hash": "keyword",
  "session.id": "keyword",
  "file.path": "keyword",
  "db.query.text": "keyword",
  "db.query.fingerprint": "keyword",
  "db.connections.used": "long",
  "db.locks.waiting": "long",
  "db.replication.lag": "long",
  "db.cache.hit_ratio": "double",
  "tls.cipher": "keyword",
  "tls.version": "keyword",
  "tls.version_protocol": "keyword",
  "trace.id": "keyword",
  "span.id": "keyword",
  "transaction.id": "keyword",
  "related.ip": "keywords",
  "related.user": "keywords",
  "related.hosts": "keywords",
  tags: "keywords",
} as const satisfies Record<string, FieldType>;

/** The fields without a column: one JSON object per row, with dotted field names. */
export const EXTRA_FIELD = "fields_json";

/**
 * The column with the original lines that `event.original` cannot have as they are: those that are not valid UTF-8, and
 * those of events whose sender set another `event.original`.
 */
export const ORIGINAL_BYTES = "original_bytes";

/** Fields that got a column in a later release: older segments have them in EXTRA_FIELD. */
export const LATER_COLUMNS: ReadonlySet<string> = new Set([
  "haproxy.connections.active",
  "haproxy.backend_queue",
  "container.id",
  "container.name",
  "log.iostream",
  "log.syslog.facility.code",
  "log.syslog.facility.name",
  "log.syslog.severity.code",
  "log.syslog.severity.name",
  "db.query.text",
  "db.query.fingerprint",
  "user_agent.name",
  "user_agent.version",
  "user_agent.os.name",
  "user_agent.os.version",
  "user_agent.os.full",
  "user_agent.device.name",
  "source.geo.country_iso_code",
  "source.geo.country_name",
  "source.as.number",
  "source.as.organization.name",
  "db.connections.used",
  "db.locks.waiting",
  "db.replication.lag",
  "db.cache.hit_ratio",
]);

export type FieldName = keyof typeof FIELDS;
type OfType<T extends FieldType> = {
  [K in FieldName]: (typeof FIELDS)[K] extends T ? K : never;
}[FieldName];
/** Fields whose column is dictionary-coded bytes. */
export type TextField = OfType<"keyword" | "keywords"> | typeof EXTRA_FIELD;
/** Fields whose column is a number: long, double, date (epoch ms), boolean (0 or 1). */
export type NumberField = OfType<"long" | "double" | "date" | "boolean">;

/** The bytes between the values of a list in a text column (ASCII unit separator). */
export const LIST_SEPARATOR = 0x1f;

const TYPES: ReadonlyMap<string, FieldType> = new Map(Object.entries(FIELDS));

/** Free texts and constants of an event: a separator in them is part of the text. */
const SINGLE_TEXTS: ReadonlySet<string> = new Set([
  "message",
  "error.message",
  "event.original",
  "event.kind",
  "event.outcome",
  "data_stream.dataset",
  "log.source.id",
  "log.file.path",
  "file.path",
  "url.original",
  "url.path",
  "url.query",
  "http.route",
  "http.request.referrer",
  "user_agent.original",
  "db.query.text",
]);

/**
 * Whether a text field may have several values: one that is declared as a list, or a keyword such as `source.ip` for which
 * a sender may give a list too. The latter is stored as one text with separators, as such events are rare.
 */
export function holdsLists(name: string): boolean {
  const type = TYPES.get(name);
  return type === "keywords" || (type === "keyword" && !SINGLE_TEXTS.has(name));
}

/** The value of a text column as it is in documents: a list if it has several values, or is declared as one. */
export function textOrList(name: string, text: string): string | string[] {
  const items = listOf(text);
  return TYPES.get(name) === "keywords" || (items.length > 1 && holdsLists(name)) ? items : text;
}

/** The values of a list in a text column. */
export function listOf(text: string): string[] {
  return text.split(String.fromCharCode(LIST_SEPARATOR));
}
