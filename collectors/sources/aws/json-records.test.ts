import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { ByteReader } from "../files/byte-reader.ts";
import { JsonRecords, recordsBegin } from "./json-records.ts";

const readerOf = (bytes: Buffer): ByteReader => ({
  damage: undefined,
  read: (into, at) => Promise.resolve(bytes.copy(into, 0, at)),
});

/** Reads pieces of this size, and begins again after a line now and then, as a reader of lines does. */
async function linesOf(text: string, pieceBytes = 7): Promise<string[]> {
  const bytes = Buffer.from(text);
  const begin = recordsBegin(bytes);
  if (begin === undefined) throw new Error("it has no records");
  const records = new JsonRecords(readerOf(bytes), begin);
  const read = Buffer.alloc(bytes.length);
  for (let at = 0, turn = 1; at < bytes.length; turn += 1) {
    const piece = read.subarray(at, at + pieceBytes);
    const end = at + (await records.read(piece, at));
    const line = read.lastIndexOf(0x0a, end - 1);
    at = turn % 3 === 0 && line >= at ? line + 1 : end;
  }
  return read
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

test("each record is a line, whatever is around it", async () => {
  expect(await linesOf('{"Records":[{"a":1},{"b":"x,]}\\""}]}')).toEqual([
    '{"a":1}',
    '{"b":"x,]}\\""}',
  ]);
  expect(await linesOf(' {\n "Records" : [ {"a":\n [1, {"c":2}]} ,\n{} ]\n}\n\0\0')).toEqual([
    '{"a":  [1, {"c":2}]}',
    "{}",
  ]);
  expect(await linesOf('{"Records":[null,5,"x,y",{"a":1}]}')).toEqual([
    "null",
    "5",
    '"x,y"',
    '{"a":1}',
  ]);
  expect(await linesOf('{"Records":[]}')).toEqual([]);
});

test("other content has no records", () => {
  for (const text of ["", "{}", '{"Records":null}', '[{"Records":[]}]', "a log line"]) {
    expect(recordsBegin(Buffer.from(text))).toBeUndefined();
  }
});

test("all records are read, in order, however they are split", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue({ maxDepth: 3 })),
      fc.constantFrom(undefined, 1, "\t"),
      fc.integer({ min: 1, max: 40 }),
      async (records, indent, pieceBytes) => {
        const lines = await linesOf(JSON.stringify({ Records: records }, null, indent), pieceBytes);
        expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
          JSON.parse(JSON.stringify(records)),
        );
      },
    ),
  );
});

test("a truncated list has the records before the end", async () => {
  expect(await linesOf('{"Records":[{"a":1},{"b"')).toEqual(['{"a":1}', '{"b"']);
});
