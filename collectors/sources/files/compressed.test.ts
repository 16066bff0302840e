import { randomBytes } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { CompressedReader } from "./compressed.ts";
import { temporaryFolder } from "./test-tail.ts";

const GZIP_HEADER_BYTES = 10;
const BLOCK_HEADER_BYTES = 5;

/** The uncompressed blocks of gzip data of level 0: where each begins, and the offset of its content in the data. */
function blocksOf(gzip: Buffer): { at: number; contentFrom: number }[] {
  const blocks = [];
  let at = GZIP_HEADER_BYTES;
  let contentFrom = 0;
  for (let isLast = false; !isLast;) {
    blocks.push({ at, contentFrom });
    isLast = (gzip.readUInt8(at) & 1) === 1;
    const length = gzip.readUInt16LE(at + 1);
    at += BLOCK_HEADER_BYTES + length;
    contentFrom += length;
  }
  return blocks;
}

test.each([7_000, 1_000_000])(
  "all data before a damaged block is read once, %i bytes at a time",
  async (readBytes) => {
    await using folder = await temporaryFolder();
    const data = randomBytes(300_000);
    const gzip = gzipSync(data, { level: 0 });
    const damaged = blocksOf(gzip).at(-1);
    if (!damaged || damaged.contentFrom === 0) throw new Error("one block is too few");
    // The length of a block no longer matches its complement.
    gzip.writeUInt8(gzip.readUInt8(damaged.at + 1) ^ 0xff, damaged.at + 1);
    const path = join(folder.path, "damaged.gz");
    await writeFile(path, gzip);

    await using file = await open(path);
    const reader = new CompressedReader(file, "gzip");
    const read: Buffer[] = [];
    for (let at = 0, count = readBytes; count === readBytes; at += count) {
      const into = Buffer.alloc(readBytes);
      count = await reader.read(into, at);
      read.push(into.subarray(0, count));
    }
    reader.close();
    expect(Buffer.concat(read).equals(data.subarray(0, damaged.contentFrom))).toBe(true);
    expect(reader.damage).toContain(`after ${damaged.contentFrom} decompressed bytes`);
  },
);
