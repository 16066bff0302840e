import * as fc from "fast-check";

import { encodeRequest } from "#pipeline/otlp/messages.ts";

import { LOG_RECORD, RESOURCE_LOGS, SCOPE, SCOPE_LOGS } from "./decode.ts";
import { MessageFields, messageField } from "./wire.ts";

const ACCESS =
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "Probe/1.0"';
const KEYS = ["log.file.path", "log.file.name", "host.name", "order.id", "http.status_code", "a b"];
const RESOURCE_KEYS = ["service.name", "host.name", "host.arch", "k8s.pod.name"];
const ODD_KEYS = [
  "service.name",
  "",
  "7",
  "__proto__",
  "@timestamp",
  "message",
  "body",
  "log.level",
  "trace.id",
  "event.id",
  "event.dataset",
  "data_stream.dataset",
  "log.record.uid",
  "log.record.original",
  "naïve",
];
const NS = 1_773_482_400_000_000_000n;

/** `usual` most times. */
const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("", "\u2028", "\u007f", "\ufeffx", 'say "x"\\\n\t\u0001', "naïve \u{1f600}"),
);
const text = mostly(fc.constantFrom(ACCESS, "order 17 was refused", "a\tb\nc"), oddText, 6);

const scalar = mostly<object>(
  fc.oneof(
    fc
      .constantFrom("/var/log/nginx/access.log", "web-1", "shop")
      .map((it) => ({ stringValue: it })),
    fc.nat(3).map((intValue) => ({ intValue })),
  ),
  fc.oneof<fc.Arbitrary<object>[]>(
    oddText.map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((it) => ({ intValue: String(it) })),
    fc.double().map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 5 }).map((bytesValue) => ({ bytesValue })),
    fc.constant({}),
  ),
);
const { value: anyValue } = fc.letrec<{ value: object }>((tie) => ({
  value: mostly<object>(
    scalar,
    fc.oneof(
      fc.array(tie("value"), { maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
      fc
        .array(fc.record({ key: fc.constantFrom(...KEYS), value: tie("value") }), { maxLength: 3 })
        .map((values) => ({ kvlistValue: { values } })),
    ),
  ),
}));
const oddKey = mostly(fc.constantFrom(...ODD_KEYS), oddText, 4);
const attributesOf = (keys: readonly string[]): fc.Arbitrary<object[]> =>
  fc.array(fc.record({ key: mostly(fc.constantFrom(...keys), oddKey), value: anyValue }), {
    maxLength: 4,
  });
const attributes = attributesOf(KEYS);

const time = mostly(
  fc.bigInt({ min: NS, max: NS + 5_000_000_000n }).map(String),
  fc.oneof(
    fc.constantFrom("0", "1", "999999", "1000000", "18446744073709551615"),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  ),
);
const id = (length: number): fc.Arbitrary<Uint8Array> =>
  mostly(
    fc.constantFrom(new Uint8Array(0), new Uint8Array(length).fill(0xa7)),
    fc.oneof(fc.constant(new Uint8Array(length)), fc.uint8Array({ maxLength: 40 })),
  );

const record = (common: fc.Arbitrary<object[]>): fc.Arbitrary<object> =>
  fc.record({
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: mostly(
      fc.constantFrom(0, 9, 17),
      fc.constantFrom(1, 24, 25, 2 ** 31 - 1, -1),
      6,
    ),
    severityText: mostly(fc.constantFrom("", "WARN"), oddText),
    eventName: mostly(fc.constant(""), oddText),
    body: mostly(
      text.map((stringValue) => ({ stringValue })),
      anyValue,
      8,
    ),
    attributes: mostly(common, attributes, 8),
    traceId: id(16),
    spanId: id(8),
  });

/** Fields that encoders write seldom or never, some of them invalid. */
const extra = mostly(
  fc.constantFrom<number[]>([], [0x38, 0x01], [0x45, 1, 0, 0, 0]),
  fc.constantFrom<number[]>(
    [0x38, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    [0x78, 0x01],
    [0xa0, 0x01, 0x01],
    [0x7b, 0x7c],
    [0x7b],
    [0x00],
    [0x08, 0x01],
    [0x10, 0x80, 0x00],
    [0x10, 0x05, 0x10, 0x06],
    [0x62, 0x01, 0x61, 0x62, 0x01, 0x62],
    [0x2a, 0x03, 0x0a, 0x01, 0xff],
    [0x2a, 0x02, 0x10, 0x01],
    [0x2a, 0x00],
    [0x32, 0x00],
    [0x32, 0x7f],
    [0x3f],
  ),
  100,
).map((bytes) => Uint8Array.from(bytes));

/** The bytes of the first record of an encoded request. */
function recordBytes(logRecord: object): Buffer {
  let found = Buffer.from(
    encodeRequest({ resourceLogs: [{ scopeLogs: [{ logRecords: [logRecord] }] }] }),
  );
  for (let depth = 0; depth < 3; depth += 1) {
    const fields = new MessageFields(found, { start: 0, end: found.length });
    fields.next();
    found = found.subarray(fields.start, fields.end);
  }
  return found;
}

const records = attributes
  .chain((first) => attributes.map((second) => fc.constantFrom(first, second)))
  .chain((common) =>
    fc.array(
      fc
        .tuple(record(common), mostly(fc.constant(new Uint8Array(0)), extra), extra)
        .map(([it, before, after]) => messageField(LOG_RECORD, before, recordBytes(it), after)),
      { maxLength: 12, size: "max" },
    ),
  );

/** A message of attributes only, as a resource is. */
const resource = fc
  .tuple(attributesOf(RESOURCE_KEYS), mostly(fc.constant(new Uint8Array(0)), extra, 20))
  .map(([it, after]) => {
    const bytes = encodeRequest({ resourceLogs: [{ resource: { attributes: it } }] });
    const fields = new MessageFields(bytes, { start: 0, end: bytes.length });
    fields.next();
    return Buffer.concat([bytes.subarray(fields.start, fields.end), after]);
  });

const scope = fc.constantFrom(
  Buffer.alloc(0),
  messageField(SCOPE),
  messageField(SCOPE, messageField(1, Buffer.from("shop")), messageField(2, Buffer.from("1.2"))),
  messageField(SCOPE, Buffer.from([0x0a, 0x7f])),
  Buffer.concat([messageField(SCOPE), messageField(SCOPE)]),
);
const usualScope = fc.constantFrom(Buffer.alloc(0), messageField(SCOPE));
const schema = fc.constantFrom(Buffer.alloc(0), messageField(3, Buffer.from("https://a.example")));

const scopeLogs = fc
  .tuple(mostly(usualScope, scope, 8), records, schema)
  .map(([first, logs, last]) => messageField(SCOPE_LOGS, first, ...logs, last));
const resourceLogs = fc
  .tuple(resource, fc.array(scopeLogs, { maxLength: 3, size: "max" }), schema, fc.boolean())
  .map(([first, scopes, last, isLast]) =>
    messageField(RESOURCE_LOGS, ...(isLast ? [...scopes, first] : [first, ...scopes]), last),
  );

type Change = { at: number; byte: number; kind: "replace" | "remove" | "insert" | "cut" };

function changed(body: Buffer, { at, byte, kind }: Change): Buffer {
  const place = at % (body.length + 1);
  const after = kind === "replace" || kind === "remove" ? place + 1 : place;
  if (kind === "cut") return body.subarray(0, place);
  const added = kind === "remove" ? [] : [byte];
  return Buffer.concat([body.subarray(0, place), Buffer.from(added), body.subarray(after)]);
}

const change = fc.record({
  at: fc.nat(),
  byte: fc.nat(255),
  kind: fc.constantFrom<Change["kind"]>("replace", "remove", "insert", "cut"),
});

/** Bodies of export requests in protobuf: usual ones, unusual ones, and such that are damaged. */
export const exported: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(resourceLogs, { maxLength: 3, size: "max" }),
    mostly<Change[]>(fc.constant([]), fc.array(change, { minLength: 1, maxLength: 2 }), 4),
  )
  .map(([all, changes]) => {
    let body: Buffer = Buffer.concat(all);
    for (const it of changes) body = changed(body, it);
    return body;
  });
