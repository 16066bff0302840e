import * as fc from "fast-check";
import { expect, test } from "vitest";

import { eachLine } from "./lines.ts";

function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  eachLine({ bytes }, (start, end) =>
    lines.push(Buffer.from(bytes.subarray(start, end)).toString("latin1")),
  );
  return lines;
}

test("lines have neither LF nor CRLF, and empty ones are skipped", () => {
  expect(linesOf(Buffer.from("a\r\n\r\n\nb\n\r\nc"))).toEqual(["a", "b", "c"]);
});

test("NULs before a line are skipped, and NULs alone are not a line", () => {
  expect(linesOf(Buffer.from("\0\0\0a\0b\n\0\0\n\0c\n"))).toEqual(["a\0b", "c"]);
});

test("a Uint8Array is split like a Buffer", () => {
  expect(linesOf(new Uint8Array([0x61, 0x0a, 0xff, 0xfe, 0x0a]))).toEqual(["a", "\xff\xfe"]);
});

test("for any bytes, the lines are those between line ends, in order", () => {
  const byte = fc.constantFrom(0x00, 0x0a, 0x0d, 0x61, 0xff);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
      const expected = Buffer.from(bytes)
        .toString("latin1")
        .split("\n")
        // oxlint-disable-next-line no-control-regex -- NULs are tested here
        .map((line) => line.replace(/\r$/, "").replace(/^\0+/, ""))
        .filter((line) => line !== "");
      expect(linesOf(Uint8Array.from(bytes))).toEqual(expected);
    }),
  );
});
