import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { gunzipStream } from "./gzip-input.ts";

const TEXT = Array.from({ length: 5_000 }, (_, i) => `line ${i * 7919}\n`).join("");
const COMPRESSED = gzipSync(TEXT);

async function read(chunks: readonly Buffer[]): Promise<{ text: string; damage: string[] }> {
  const damage: string[] = [];
  const parts: Buffer[] = [];
  async function* input(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  for await (const part of gunzipStream(input(), (message) => void damage.push(message)))
    parts.push(part);
  return { text: Buffer.concat(parts).toString(), damage };
}

const halves = (bytes: Buffer): Buffer[] => [
  bytes.subarray(0, bytes.length / 2),
  bytes.subarray(bytes.length / 2),
];

test("a gzip file is decompressed", async () => {
  expect(await read(halves(COMPRESSED))).toEqual({ text: TEXT, damage: [] });
});

test("what is not compressed is returned as it is", async () => {
  expect(await read(halves(Buffer.from(TEXT)))).toEqual({ text: TEXT, damage: [] });
  expect(await read([])).toEqual({ text: "", damage: [] });
});

test("of a file without its end the beginning is read, and the damage is reported", async () => {
  const { text, damage } = await read(halves(COMPRESSED.subarray(0, -200)));
  expect(text.length).toBeGreaterThan(0);
  expect(TEXT.startsWith(text)).toBe(true);
  expect(damage).toEqual([expect.stringContaining("no complete gzip file")]);
});
