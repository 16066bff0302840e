import { zstdCompressSync } from "node:zlib";

import type { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type LineData, type Page, ZSTD } from "./column.ts";
import { writeDelta } from "./delta.ts";
import { PAGE_BYTES } from "./encode-text.ts";
import { writePresence } from "./hybrid.ts";
import { reusedNumbers, reusedWriter } from "./scratch.ts";

/** Lines take less than a quarter of their size, so that this usually holds a whole page. */
const LINES_ZSTD = { ...ZSTD, chunkSize: PAGE_BYTES / 4 };

const takePage = reusedWriter(PAGE_BYTES + PAGE_BYTES / 4);
const takeLengths = reusedNumbers();

/**
 * Rows [from, to) of a column of lines, in compressed pages. Each is compressed before the next one is written, because they
 * are larger than all other columns together.
 */
export function encodeLines(column: LineData, from: number, to: number): Chunk {
  const { lengths } = column;
  const pages: Page[] = [];
  let nulls = 0;
  for (let row = from; row < to;) {
    const first = row;
    let bytes = 0;
    for (; row < to && bytes < PAGE_BYTES; row += 1) {
      bytes += lengths[row]!;
      if (lengths[row] === 0) nulls += 1;
    }
    const page = takePage();
    const encoding = writeLines(page, column, first, row, bytes);
    const plain = page.done();
    pages.push({
      isDictionary: false,
      values: row - first,
      encoding,
      bytes: zstdCompressSync(plain, LINES_ZSTD),
      bytesPlain: plain.length,
    });
  }
  return { pages, values: to - from, nulls };
}

/** Writes the lengths and then all bytes, so that the lines are copied at once. Returns the encoding. */
function writeLines(
  page: ByteWriter,
  column: LineData,
  from: number,
  to: number,
  bytes: number,
): number {
  const { lines, starts, lengths } = column;
  const present = takeLengths(to - from);
  let start = -1;
  let count = 0;
  for (let row = from; row < to; row += 1) {
    if (lengths[row] === 0) continue;
    if (start < 0) start = starts[row]!;
    present[count] = lengths[row]!;
    count += 1;
  }
  writePresence(page, lengths.subarray(from, to), to - from - count);
  if (count === 0) return ENCODING.plain;
  if (writeDelta(page, present.subarray(0, count))) {
    page.put(lines.subarray(start, start + bytes));
    return ENCODING.deltaLength;
  }
  for (let row = from; row < to; row += 1) {
    if (lengths[row] === 0) continue;
    page.u32(lengths[row]!);
    page.put(lines.subarray(starts[row], starts[row]! + lengths[row]!));
  }
  return ENCODING.plain;
}
