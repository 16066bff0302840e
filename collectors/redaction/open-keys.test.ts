import { expect, test } from "vitest";

import { OpenKeys } from "./open-keys.ts";

const BEGIN = Buffer.from("-----BEGIN PRIVATE KEY-----");
const END = "-----END PRIVATE KEY-----";
const FULL = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MtyW0D1dXoGvGkZ7";

function opened(): OpenKeys {
  const keys = new OpenKeys();
  keys.note("a", BEGIN);
  return keys;
}
const partsIn = (keys: OpenKeys, line: string, stream = "a"): string[] =>
  keys.partsOf(stream, Buffer.from(line));

test.each([
  FULL,
  `Mar 14 10:11:12 web1 shop[7]: ${FULL}`,
  `{"log":"${FULL}\\n","stream":"stdout"}`,
])("a line of a key: %s", (line) => {
  expect(partsIn(opened(), line)).toEqual([FULL]);
});

test.each(["q3RzTg==", "abcd", "web1 shop[7]: q3RzTg1", '{"log":"abcdef\\n","stream":"stdout"}'])(
  "the last line of a key: %s",
  (line) => {
    expect(partsIn(opened(), line)).toHaveLength(1);
  },
);

test.each([
  "2026-03-14 10:11:12 INFO started",
  'GET /shop HTTP/1.1" 200 512 "-" "Probe/1.0"',
  "Proc-Type: 4,ENCRYPTED",
  'level="info" msg="paid"',
])("lines of others between those of a key are kept: %s", (line) => {
  expect(partsIn(opened(), line)).toEqual([]);
});

test("nothing is redacted in other streams, and after the end", () => {
  const keys = opened();
  expect(partsIn(keys, FULL, "b")).toEqual([]);
  expect(partsIn(keys, END)).toEqual([]);
  expect(keys.isEmpty).toBe(true);
  expect(partsIn(keys, FULL)).toEqual([]);
});

test("a key that ends in its line, a public key and a certificate open nothing", () => {
  const keys = new OpenKeys();
  keys.note("a", Buffer.from(`-----BEGIN PRIVATE KEY-----\\n${FULL}\\n${END}`));
  keys.note("a", Buffer.from("-----BEGIN PUBLIC KEY-----"));
  keys.note("a", Buffer.from("-----BEGIN CERTIFICATE-----"));
  expect(keys.isEmpty).toBe(true);
});

test("a key without an end is given up, and the number of open keys is bounded", () => {
  const keys = opened();
  for (let line = 0; line < 500; line += 1) partsIn(keys, "x");
  expect(keys.isEmpty).toBe(true);
  for (let stream = 0; stream < 5_000; stream += 1) keys.note(`s${stream}`, BEGIN);
  expect(partsIn(keys, FULL, "s0")).toEqual([]);
  expect(partsIn(keys, FULL, "s4999")).toEqual([FULL]);
});
