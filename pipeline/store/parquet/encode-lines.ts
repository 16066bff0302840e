import { ByteWriter } from "./byte-writer.ts";
import { type Chunk, ENCODING, type LineData, type Page } from "./column.ts";
import { writeDelta } from "./delta.ts";
import { dataPage, PAGE_BYTES, writeLevels } from "./encode-text.ts";

/** Rows [from, to) of a column of lines. */
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
    pages.push(linesPage(column, first, row, bytes));
  }
  return { pages, values: to - from, nulls };
}

/** The lengths come first and then all bytes, so that the lines are copied at once. */
function linesPage(column: LineData, from: number, to: number, bytes: number): Page {
  const { lines, starts, lengths } = column;
  const rows = to - from;
  const levels = new Uint32Array(rows);
  const present = new Float64Array(rows);
  let start = -1;
  let count = 0;
  for (let row = from; row < to; row += 1) {
    if (lengths[row] === 0) continue;
    if (start < 0) start = starts[row]!;
    levels[row - from] = 1;
    present[count] = lengths[row]!;
    count += 1;
  }
  const page = new ByteWriter(bytes + rows * 4 + 1024);
  writeLevels(page, levels, rows, 1);
  if (count === 0) return dataPage(page.done(), rows, ENCODING.plain);
  if (writeDelta(page, present.subarray(0, count))) {
    page.put(lines.subarray(start, start + bytes));
    return dataPage(page.done(), rows, ENCODING.deltaLength);
  }
  for (let row = from; row < to; row += 1) {
    if (lengths[row] === 0) continue;
    page.u32(lengths[row]!);
    page.put(lines.subarray(starts[row], starts[row]! + lengths[row]!));
  }
  return dataPage(page.done(), rows, ENCODING.plain);
}
