import { DATASET } from "../dataset-names.ts";
import type { AnyValue, ExportRequest, KeyValue, LogRecord } from "./messages.ts";

const UID = "log.record.uid";

/**
 * OpenTelemetry names that differ from ECS, by the alignment of the two conventions; all other attributes keep their
 * name.
 */
const ECS_NAMES: Readonly<Record<string, string>> = {
  "service.instance.id": "service.node.name",
  "deployment.environment": "service.environment",
  "deployment.environment.name": "service.environment",
  "exception.type": "error.type",
  "exception.message": "error.message",
  "exception.stacktrace": "error.stack_trace",
  "thread.id": "process.thread.id",
  "thread.name": "process.thread.name",
  "process.executable.path": "process.executable",
  "enduser.id": "user.id",
  "host.arch": "host.architecture",
  "os.type": "host.os.platform",
  "os.description": "host.os.full",
  "cloud.platform": "cloud.service.name",
  "k8s.cluster.name": "orchestrator.cluster.name",
  "k8s.namespace.name": "kubernetes.namespace",
  "k8s.pod.name": "kubernetes.pod.name",
  "k8s.node.name": "kubernetes.node.name",
  "http.method": "http.request.method",
  "http.status_code": "http.response.status_code",
  "http.request.body.size": "http.request.body.bytes",
  "http.response.body.size": "http.response.body.bytes",
  "http.url": "url.full",
  "client.address": "source.address",
  "client.port": "source.port",
  "log.record.original": "event.original",
  [UID]: "event.id",
};

/** Severity numbers come in groups of four, from 1. */
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const NS_PER_MS = 1_000_000n;
const DATASET_FALLBACK = "otlp";

type Fields = Record<string, unknown>;
type ResourceLogs = ExportRequest["resourceLogs"][number];
type Resource = ResourceLogs["resource"];
type Scope = ResourceLogs["scopeLogs"][number]["scope"];

/** The fields of a resource and of a scope, which all their records have. */
export type Shared = { common: Fields; logger: Fields };

export type OtlpDocument = {
  /** The log record in ECS. */
  document: Fields;
  /** As it was sent: as JSON, without the resource that it shares with others. */
  original: () => string;
  /** The dataset of a record that names none. */
  dataset: string;
  /** `log.record.uid`: the same if the record is sent again. */
  uid: string | undefined;
  /** Whether its body is a text, which may be a log line. */
  isText: boolean;
};

/** The log records of a request, in order. */
export function* documentsOf(request: ExportRequest): Generator<OtlpDocument> {
  for (const { resource, scopeLogs } of request.resourceLogs) {
    const common = fieldsOfResource(resource);
    for (const { scope, logRecords } of scopeLogs) {
      const shared = { common, logger: fieldsOfScope(scope) };
      for (const record of logRecords) yield documentOf(shared, record);
    }
  }
}

/** One log record. */
export function documentOf({ common, logger }: Shared, record: LogRecord): OtlpDocument {
  const document = Object.assign(noFields(), common, logger, fieldsOfRecord(record));
  const uid = record.attributes.find(({ key }) => key === UID)?.value?.stringValue;
  const isText = record.body?.stringValue !== undefined;
  const original = (): string => JSON.stringify(record);
  return { document, original, dataset: datasetOf(document), uid, isText };
}

export const fieldsOfResource = (resource: Resource): Fields =>
  fieldsOf(resource?.attributes ?? []);

export function fieldsOfScope(scope: Scope): Fields {
  if (!scope) return {};
  const { name, version, attributes } = scope;
  return {
    ...fieldsOf(attributes),
    ...(name ? { "log.logger": name } : {}),
    ...(version ? { "otel.scope.version": version } : {}),
  };
}

/** `<service>.otlp`. */
function datasetOf(fields: Fields): string {
  const named = fields["service.name"];
  const service = (typeof named === "string" ? named : "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.]+/g, "_");
  const name = `${service.slice(0, 90)}.${DATASET_FALLBACK}`;
  return DATASET.test(name) ? name : DATASET_FALLBACK;
}

function fieldsOfRecord(record: LogRecord): Fields {
  const fields = fieldsOf(record.attributes);
  const at = instantOf(record.timeUnixNano) ?? instantOf(record.observedTimeUnixNano);
  if (at !== undefined) fields["@timestamp"] = at;
  const { severityNumber = 0, severityText, eventName, traceId, spanId } = record;
  const level = levelOf(severityNumber, severityText);
  if (level !== undefined) fields["log.level"] = level;
  if (severityNumber > 0) fields["event.severity"] = severityNumber;
  if (eventName) fields["event.action"] = eventName;
  if (isId(traceId)) fields["trace.id"] = traceId.toLowerCase();
  if (isId(spanId)) fields["span.id"] = spanId.toLowerCase();
  addBody(fields, record.body);
  return fields;
}

/** The level of a log: the text that the sender has for it, otherwise that of its number. */
export const levelOf = (severityNumber: number, severityText = ""): string | undefined =>
  severityText.toLowerCase() || LEVELS[Math.floor((severityNumber - 1) / 4)];

/** An all-zero id means that there is none. */
const isId = (id: string | undefined): id is string => id !== undefined && /[^0]/.test(id);

/** A text body is the message. A structured body is stored under `body`; its `message` field is the message. */
function addBody(fields: Fields, body: AnyValue | null | undefined): void {
  const value = plainOf(body);
  if (value === undefined) return;
  if (typeof value !== "object" || Array.isArray(value)) {
    fields["message"] = typeof value === "string" ? value : JSON.stringify(value);
    return;
  }
  fields["body"] = value;
  const { message } = value;
  if (typeof message === "string") fields["message"] ??= message;
}

function fieldsOf(attributes: readonly KeyValue[]): Fields {
  const fields = noFields();
  for (const { key, value } of attributes) {
    const plain = plainOf(value);
    if (plain === undefined) continue;
    const name = Object.hasOwn(ECS_NAMES, key) ? ECS_NAMES[key] : undefined;
    fields[name ?? nameOf(key)] = plain;
  }
  return fields;
}

/** Characters that a field name cannot have become `_`. */
const nameOf = (key: string): string => key.replaceAll(/[\p{C}\p{Z}"\\]|^\.|\.(?=\.|$)/gu, "_");

type Plain = string | number | boolean | Plain[] | { [key: string]: Plain };

function plainOf(value: AnyValue | null | undefined): Plain | undefined {
  if (!value) return undefined;
  const { stringValue, boolValue, intValue, doubleValue, bytesValue } = value;
  if (stringValue !== undefined) return stringValue;
  if (boolValue !== undefined) return boolValue;
  if (intValue !== undefined) return exact(intValue);
  if (doubleValue !== undefined) {
    return Number.isFinite(doubleValue) ? doubleValue : String(doubleValue);
  }
  return nestedOf(value) ?? bytesValue;
}

function nestedOf({ arrayValue, kvlistValue }: AnyValue): Plain | undefined {
  if (arrayValue) return arrayValue.values.map(plainOf).filter((item) => item !== undefined);
  if (!kvlistValue) return undefined;
  const entries = kvlistValue.values.flatMap(({ key, value }): [string, Plain][] => {
    const plain = plainOf(value);
    return plain === undefined ? [] : [[nameOf(key), plain]];
  });
  return Object.fromEntries(entries);
}

/** Exact: integers that a double cannot represent stay text. */
function exact(value: string | number): string | number {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** ISO time of nanoseconds since 1970; 0 means unknown in OTLP. */
function instantOf(nanoseconds: string | number | undefined): string | undefined {
  const ns = BigInt(nanoseconds ?? 0);
  if (ns <= 0n) return undefined;
  return new Date(Number(ns / NS_PER_MS)).toISOString();
}

/** Without a prototype, so that an attribute named `__proto__` is an ordinary field, and refused as one. */
const noFields = (): Fields => Object.create(null);
