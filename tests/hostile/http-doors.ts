import { compress } from "snappyjs";

/** A way in over HTTP. */
export type HttpDoor = {
  path: string;
  type: string;
  /** A request in which each of these texts is an event; undefined if the door has one for each event, or takes any bytes. */
  wrap?(texts: readonly string[]): Buffer;
  /** How many events an answer accepts. */
  accepted?(json: unknown, count: number): number;
  /** The path that has the same handler. */
  sameAs?: string;
};

const JSON_TYPE = "application/json";
const NDJSON_TYPE = "application/x-ndjson";
const PROTOBUF_TYPE = "application/x-protobuf";
const FIRST_NS = 1_773_446_400_000_000_000n;

/** A field of a protobuf message that is a text or a message itself. */
function field(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}
const textField = (number: number, text: string): Buffer => field(number, Buffer.from(text));
const numberField = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);

const bulkOf = (texts: readonly string[]): Buffer =>
  Buffer.from(
    texts
      .map(
        (message) =>
          `{"create":{"_index":"logs-hostile-default"}}\n${JSON.stringify({ message })}\n`,
      )
      .join(""),
  );
const ndjsonOf = (texts: readonly string[]): Buffer =>
  Buffer.from(texts.map((message) => `${JSON.stringify({ message })}\n`).join(""));

const otlpJsonOf = (texts: readonly string[]): Buffer => {
  const logRecords = texts.map((stringValue) => ({ body: { stringValue } }));
  return Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
};
const otlpProtobufOf = (texts: readonly string[]): Buffer =>
  field(1, field(2, Buffer.concat(texts.map((text) => field(2, field(5, textField(1, text)))))));

/** Lines with the same time and labels are one event in Loki. */
let lokiNs = FIRST_NS;
const lokiJsonOf = (texts: readonly string[]): Buffer => {
  const values = texts.map((text) => [String((lokiNs += 1n)), text]);
  return Buffer.from(JSON.stringify({ streams: [{ stream: { app: "hostile" }, values }] }));
};
let lokiSeconds = 0;
const lokiProtobufOf = (texts: readonly string[]): Buffer => {
  const entries = texts.map((text) => {
    lokiSeconds += 1;
    const seconds = [
      (lokiSeconds & 0x7f) | 0x80,
      ((lokiSeconds >> 7) & 0x7f) | 0x80,
      lokiSeconds >> 14,
    ];
    const time = Buffer.from([0x08, ...seconds]);
    return field(2, Buffer.concat([field(1, time), textField(2, text)]));
  });
  const message = field(1, Buffer.concat([textField(1, '{app="hostile"}'), ...entries]));
  return Buffer.from(compress(message));
};

const firehoseOf = (texts: readonly string[]): Buffer => {
  const records = texts.map((text) => ({ data: Buffer.from(text).toString("base64") }));
  return Buffer.from(JSON.stringify({ requestId: "hostile", timestamp: 1, records }));
};

type BulkAnswer = { items: { create: { status: number } }[] };
type PushAnswer = { accepted: number };
type ExportAnswer = { partialSuccess?: { rejectedLogRecords: string } };
// The answers of our own receivers.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const ofBulk = (json: unknown): number =>
  (json as BulkAnswer).items.filter(({ create }) => create.status === 201).length;
const ofPush = (json: unknown): number => (json as PushAnswer).accepted;
const ofExport = (json: unknown, count: number): number =>
  count - Number((json as ExportAnswer).partialSuccess?.rejectedLogRecords ?? 0);
/* oxlint-enable typescript/no-unsafe-type-assertion */
const all = (_: unknown, count: number): number => count;

const BULK = { type: NDJSON_TYPE, wrap: bulkOf, accepted: ofBulk };
const HEC = {
  type: JSON_TYPE,
  wrap: (texts: readonly string[]) =>
    Buffer.from(texts.map((event) => JSON.stringify({ event })).join("")),
  accepted: all,
};
const RAW = { type: "text/plain" };

/** Every path that takes events, with each media type. hostile-doors.test.ts fails if one is missing. */
export const HTTP_DOORS: readonly HttpDoor[] = [
  { path: "/push", type: NDJSON_TYPE, wrap: ndjsonOf, accepted: ofPush },
  {
    path: "/push",
    type: JSON_TYPE,
    wrap: (texts) => Buffer.from(JSON.stringify(texts.map((message) => ({ message })))),
    accepted: ofPush,
  },
  { path: "/push/{stream}", ...RAW },
  { path: "/_bulk", ...BULK },
  { path: "/{index}/_bulk", ...BULK, sameAs: "/_bulk" },
  { path: "/v1/logs", type: JSON_TYPE, wrap: otlpJsonOf, accepted: ofExport },
  // Rejected records of a response in protobuf are only counted by its JSON.
  { path: "/v1/logs", type: PROTOBUF_TYPE, wrap: otlpProtobufOf, accepted: all },
  { path: "/services/collector", ...HEC, sameAs: "/services/collector/event" },
  { path: "/services/collector/1.0", ...HEC, sameAs: "/services/collector/event" },
  { path: "/services/collector/event", ...HEC },
  { path: "/services/collector/event/1.0", ...HEC, sameAs: "/services/collector/event" },
  { path: "/services/collector/raw", ...RAW },
  { path: "/services/collector/raw/1.0", ...RAW, sameAs: "/services/collector/raw" },
  { path: "/loki/api/v1/push", type: JSON_TYPE, wrap: lokiJsonOf, accepted: all },
  { path: "/loki/api/v1/push", type: PROTOBUF_TYPE, wrap: lokiProtobufOf, accepted: all },
  {
    path: "/api/prom/push",
    type: JSON_TYPE,
    wrap: lokiJsonOf,
    accepted: all,
    sameAs: "/loki/api/v1/push",
  },
  { path: "/gelf", type: JSON_TYPE },
  { path: "/firehose", type: JSON_TYPE, wrap: firehoseOf },
  { path: "/sns", ...RAW },
  { path: "/sns/raw", ...RAW },
];

const ONES = `${"1,".repeat(2_000_000)}1`;

/** Bodies that are wrong for their protocol, beside any other bytes. */
export const MALFORMED: Readonly<Record<string, { type: string; body: Buffer }>> = {
  "deep JSON": {
    type: JSON_TYPE,
    body: Buffer.from(`[${"[".repeat(100_000)}${"]".repeat(100_000)}]`),
  },
  "a deep object": {
    type: JSON_TYPE,
    body: Buffer.from('{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)),
  },
  "a list of deep objects": {
    type: JSON_TYPE,
    body: Buffer.from(`[${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}]`),
  },
  "many lists": { type: JSON_TYPE, body: Buffer.from(`[${"[],".repeat(1_100_000)}[]]`) },
  "many objects": { type: NDJSON_TYPE, body: Buffer.alloc(3 * 510_000, "{}\n") },
  "many operations": { type: NDJSON_TYPE, body: Buffer.alloc(16 * 510_000, '{"index":{}}\n{}\n') },
  "large numbers": {
    type: JSON_TYPE,
    body: Buffer.from(`{"n":1${"0".repeat(100_000)},"e":1e999999,"message":-1e-999}`),
  },
  __proto__: { type: JSON_TYPE, body: Buffer.from('{"__proto__":{"polluted":1},"message":"x"}') },
  "repeated keys": {
    type: JSON_TYPE,
    body: Buffer.from(`{${'"message":"x",'.repeat(100_000)}"message":1}`),
  },
  "many keys": {
    type: JSON_TYPE,
    body: Buffer.from(`{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join()}}`),
  },
  null: { type: JSON_TYPE, body: Buffer.from("null") },
  "many wrong attributes": {
    type: JSON_TYPE,
    body: Buffer.from(
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[${ONES}]}]}]}]}`,
    ),
  },
  "many wrong streams": { type: JSON_TYPE, body: Buffer.from(`{"streams":[${ONES}]}`) },
  "many wrong records": {
    type: JSON_TYPE,
    body: Buffer.from(`{"requestId":"x","timestamp":1,"records":[${ONES}]}`),
  },
  "many empty attributes": {
    type: PROTOBUF_TYPE,
    body: field(1, field(2, field(2, Buffer.alloc(3_900_000, Buffer.from([0x32, 0]))))),
  },
  "a length beyond the end": {
    type: PROTOBUF_TYPE,
    body: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01]),
  },
  "a varint without end": { type: PROTOBUF_TYPE, body: Buffer.alloc(1_000, 0xff) },
  "many empty messages": {
    type: PROTOBUF_TYPE,
    body: field(1, field(2, Buffer.alloc(5_000_000, Buffer.from([0x12, 0])))),
  },
  "messages in messages": { type: PROTOBUF_TYPE, body: nested(5_000) },
  "a group without end": { type: PROTOBUF_TYPE, body: Buffer.alloc(100_000, 0x0b) },
  "snappy that claims 4 GB": {
    type: PROTOBUF_TYPE,
    body: Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61]),
  },
  "a snappy bomb": { type: PROTOBUF_TYPE, body: Buffer.from(compress(Buffer.alloc(40_000_000))) },
};

/** OTLP's lists in lists. */
function nested(depth: number): Buffer {
  let value = numberField(2, 1);
  for (let i = 0; i < depth; i += 1) value = field(5, field(1, value));
  return field(1, field(2, field(2, field(5, value))));
}
