import protobuf from "protobufjs";
import { z } from "zod";

import { decodeBounded } from "#platform/bounded-protobuf.ts";
import { listOf } from "#platform/list-of.ts";

/**
 * The messages of OTLP logs (opentelemetry.proto.collector.logs.v1) with the fields in use; unknown fields are skipped,
 * as protobuf requires. Numbers and types are those of the published .proto files.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    ExportLogsServiceRequest: {
      fields: { resourceLogs: { rule: "repeated", type: "ResourceLogs", id: 1 } },
    },
    ResourceLogs: {
      fields: {
        resource: { type: "Resource", id: 1 },
        scopeLogs: { rule: "repeated", type: "ScopeLogs", id: 2 },
      },
    },
    Resource: { fields: { attributes: { rule: "repeated", type: "KeyValue", id: 1 } } },
    ScopeLogs: {
      fields: {
        scope: { type: "Scope", id: 1 },
        logRecords: { rule: "repeated", type: "LogRecord", id: 2 },
      },
    },
    Scope: {
      fields: {
        name: { type: "string", id: 1 },
        version: { type: "string", id: 2 },
        attributes: { rule: "repeated", type: "KeyValue", id: 3 },
      },
    },
    LogRecord: {
      fields: {
        timeUnixNano: { type: "fixed64", id: 1 },
        severityNumber: { type: "int32", id: 2 },
        severityText: { type: "string", id: 3 },
        body: { type: "AnyValue", id: 5 },
        attributes: { rule: "repeated", type: "KeyValue", id: 6 },
        traceId: { type: "bytes", id: 9 },
        spanId: { type: "bytes", id: 10 },
        observedTimeUnixNano: { type: "fixed64", id: 11 },
        eventName: { type: "string", id: 12 },
      },
    },
    KeyValue: { fields: { key: { type: "string", id: 1 }, value: { type: "AnyValue", id: 2 } } },
    AnyValue: {
      oneofs: {
        value: {
          oneof: [
            "stringValue",
            "boolValue",
            "intValue",
            "doubleValue",
            "arrayValue",
            "kvlistValue",
            "bytesValue",
          ],
        },
      },
      fields: {
        stringValue: { type: "string", id: 1 },
        boolValue: { type: "bool", id: 2 },
        intValue: { type: "int64", id: 3 },
        doubleValue: { type: "double", id: 4 },
        arrayValue: { type: "ArrayValue", id: 5 },
        kvlistValue: { type: "KeyValueList", id: 6 },
        bytesValue: { type: "bytes", id: 7 },
      },
    },
    ArrayValue: { fields: { values: { rule: "repeated", type: "AnyValue", id: 1 } } },
    KeyValueList: { fields: { values: { rule: "repeated", type: "KeyValue", id: 1 } } },
    ExportLogsServiceResponse: { fields: { partialSuccess: { type: "PartialSuccess", id: 1 } } },
    PartialSuccess: {
      fields: {
        rejectedLogRecords: { type: "int64", id: 1 },
        errorMessage: { type: "string", id: 2 },
      },
    },
  },
});

/** google.rpc.Status of a refused request. Its code repeats the HTTP status. */
const Status = new protobuf.Type("Status").add(new protobuf.Field("message", 2, "string"));
const Request = root.lookupType("ExportLogsServiceRequest");
const ExportResponse = root.lookupType("ExportLogsServiceResponse");

/** 64-bit integers: text in JSON and from protobuf; small ones may be JSON numbers. */
const Long = z.union([z.string().regex(/^-?\d{1,20}$/), z.int()]);
/** Ids: bytes in protobuf, hex in JSON. */
const Id = z.union([
  z.string().regex(/^(?:[0-9a-fA-F]{2}){0,16}$/),
  z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes).toString("hex")),
]);
/** Bytes: base64 in JSON. */
const Bytes = z.union([
  z.string(),
  z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes).toString("base64")),
]);

/** Numbers, or text for values that are not finite, which JSON cannot represent. */
const Double = z.union([
  z.number(),
  z.enum(["NaN", "Infinity", "-Infinity"]),
  z
    .string()
    .regex(/^-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?$/)
    .transform(Number),
]);

const AnyValue = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: Long.optional(),
  doubleValue: Double.optional(),
  bytesValue: Bytes.optional(),
  get arrayValue() {
    return z.object({ values: listOf(AnyValue).default([]) }).optional();
  },
  get kvlistValue() {
    return z.object({ values: listOf(KeyValue).default([]) }).optional();
  },
});
const KeyValue = z.object({
  key: z.string().default(""),
  get value() {
    return AnyValue.nullish();
  },
});
const Attributes = listOf(KeyValue).default([]);
const LogRecord = z.object({
  timeUnixNano: Long.optional(),
  observedTimeUnixNano: Long.optional(),
  severityNumber: z.int().optional(),
  severityText: z.string().optional(),
  eventName: z.string().optional(),
  body: AnyValue.nullish(),
  attributes: Attributes,
  traceId: Id.optional(),
  spanId: Id.optional(),
});

export const ExportRequest = z.object({
  resourceLogs: listOf(
    z.object({
      resource: z.object({ attributes: Attributes }).nullish(),
      scopeLogs: listOf(
        z.object({
          scope: z
            .object({
              name: z.string().optional(),
              version: z.string().optional(),
              attributes: Attributes,
            })
            .nullish(),
          logRecords: listOf(LogRecord).default([]),
        }),
      ).default([]),
    }),
  ).default([]),
});
export type ExportRequest = z.output<typeof ExportRequest>;
export type LogRecord = z.output<typeof LogRecord>;
export type KeyValue = z.output<typeof KeyValue>;
export type AnyValue = z.output<typeof AnyValue>;

/** The JSON of a request without nulls, which protobuf treats as absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([name, item]) => [name, withoutNulls(item)]));
}

/** Decodes a protobuf request. @throws when the bytes are invalid, AppError too_large if it has too many fields */
export const decodeRequest = (bytes: Buffer): unknown =>
  // With `json`, numbers that are not finite are text.
  Request.toObject(decodeBounded(Request, bytes), { longs: String, json: true });

/** Encodes a request, for senders. */
export const encodeRequest = (request: Record<string, unknown>): Uint8Array =>
  Request.encode(Request.fromObject(request)).finish();

export type PartialSuccess = { rejectedLogRecords: string; errorMessage: string };

export const encodeResponse = (partialSuccess: PartialSuccess | undefined): Uint8Array =>
  ExportResponse.encode(
    ExportResponse.fromObject(partialSuccess ? { partialSuccess } : {}),
  ).finish();

export const encodeStatus = (message: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Status.encode({ message }).finish());

export const decodeStatus = (bytes: Uint8Array): unknown => Status.toObject(Status.decode(bytes));

export const decodeResponse = (bytes: Uint8Array): unknown =>
  ExportResponse.toObject(ExportResponse.decode(bytes), { longs: String });
