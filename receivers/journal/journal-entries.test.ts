import * as fc from "fast-check";
import { expect, test } from "vitest";

import { journalDocument } from "./journal-document.ts";
import { JournalEntries, type JournalEntry } from "./journal-entries.ts";

const LIMITS = { entryBytesMax: 10_000, valueBytesMax: 5_000 };

/** The entries of a stream that arrives in parts of this length, and how many bytes were held at most. */
function read(stream: Buffer, length: number, limits = LIMITS) {
  const entries = new JournalEntries(limits);
  const found: JournalEntry[] = [];
  let heldMax = 0;
  for (let at = 0; at < stream.length; at += length) {
    found.push(...entries.push(stream.subarray(at, at + length)));
    heldMax = Math.max(heldMax, entries.heldBytes);
  }
  found.push(...entries.end());
  return { found, heldMax, entries };
}

const isText = (value: Uint8Array): boolean => !value.includes(0x0a);

function fieldOf(name: string, value: Uint8Array, asBytes: boolean): Buffer {
  if (!asBytes && isText(value)) {
    return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from("\n")]);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from("\n")]);
}

const name = fc.stringMatching(/^[A-Z_][A-Z\d_]{0,20}$/);
const field = fc.record({ name, value: fc.uint8Array({ maxLength: 80 }), asBytes: fc.boolean() });
const entry = fc.uniqueArray(field, { selector: (it) => it.name, minLength: 1, maxLength: 6 });

test("entries are read as they were written, whatever their values and however the stream arrives", () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 6 }),
      fc.integer({ min: 1, max: 90 }),
      (given, length) => {
        const stream = given.map((fields) =>
          Buffer.concat([
            ...fields.map((it) => fieldOf(it.name, it.value, it.asBytes)),
            Buffer.from("\n"),
          ]),
        );
        const { found } = read(Buffer.concat(stream), length);
        expect(found.map((it) => [...it].map(([key, value]) => [key, [...value]]))).toEqual(
          given.map((fields) => fields.map((it) => [it.name, [...it.value]])),
        );
      },
    ),
  );
});

test("whatever bytes arrive, what is held is bounded, and reading goes on", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.integer({ min: 1, max: 90 }),
      (bytes, length) => {
        const { heldMax } = read(Buffer.from(bytes), length, {
          entryBytesMax: 100,
          valueBytesMax: 50,
        });
        expect(heldMax).toBeLessThanOrEqual(100);
      },
    ),
  );
});

test("an entry with too many bytes is given up and counted, and the next one is read", () => {
  const long = fieldOf("MESSAGE", Buffer.alloc(20_000, "x"), true);
  const stream = Buffer.concat([long, Buffer.from("\nMESSAGE=next\n\n")]);
  const { found, entries } = read(stream, 1_000);
  expect(found.map((it) => it.get("MESSAGE")?.toString())).toEqual(["next"]);
  expect(entries.tooLong).toBe(1);
});

test("an entry of the journal becomes an ECS document, with the fields of its application as labels", () => {
  const text = `__CURSOR=s=1;i=2
__REALTIME_TIMESTAMP=1385053862307200
_HOSTNAME=web-1
_PID=44
_COMM=nginx
SYSLOG_IDENTIFIER=edge
PRIORITY=3
SYSLOG_FACILITY=3
_SYSTEMD_UNIT=nginx.service
REQUEST_ID=r-1
MESSAGE=failed

`;
  const { found } = read(Buffer.from(text), 7);
  expect(found.map(journalDocument)).toEqual([
    {
      "@timestamp": "2013-11-21T17:11:02.307Z",
      message: "failed",
      "host.name": "web-1",
      "process.name": "edge",
      "process.pid": "44",
      "systemd.unit": "nginx.service",
      "log.level": "error",
      "log.syslog.severity.code": 3,
      "log.syslog.severity.name": "Error",
      "log.syslog.facility.code": 3,
      "log.syslog.facility.name": "daemon",
      "labels.request_id": "r-1",
    },
  ]);
});

test.each([
  ["message", "__REALTIME_TIMESTAMP=1385053862307200\n\n"],
  ["time", "MESSAGE=x\n\n"],
  ["possible time", "MESSAGE=x\n__REALTIME_TIMESTAMP=9999999999999999999\n\n"],
])("an entry without a %s has no document", (_name, text) => {
  expect(read(Buffer.from(text), 100).found.map(journalDocument)).toEqual([undefined]);
});
