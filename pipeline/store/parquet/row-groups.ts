import type { LineData, ParquetColumn, TextData } from "./column.ts";

/** Row groups are the units that readers can skip by their statistics. */
const ROWS_MAX = 131_072;
/** A rest of fewer rows is added to the last row group, because each costs the encoding of every column. */
const ROWS_MORE = ROWS_MAX / 8;
/** DuckDB reads this many rows of a row group at a time, and has all of their texts in memory. */
const STRETCH_ROWS = 2_048;
/** Row groups end before a stretch has more text, so that a few lines of some MB are not in memory together. */
const STRETCH_BYTES_MAX = 16 * 1024 * 1024;

/** Lines of this length are merged so that few of them are in memory at a time. */
const LONG_ROW_BYTES = 64 * 1024;

/** Whether a row may have more text than LONG_ROW_BYTES. */
export const hasLongRows = (columns: readonly ParquetColumn[]): boolean =>
  rowBytesMax(textsOf(columns)) > LONG_ROW_BYTES;

/** Splits the rows [0, rows) into row groups; returns the end of each. */
export function rowGroupEnds(columns: readonly ParquetColumn[], rows: number): number[] {
  const texts = textsOf(columns);
  if (rowBytesMax(texts) * STRETCH_ROWS > STRETCH_BYTES_MAX) return endsByBytes(texts, rows);
  const ends: number[] = [];
  for (let end = ROWS_MAX; end < rows - ROWS_MORE; end += ROWS_MAX) ends.push(end);
  return rows > 0 ? [...ends, rows] : ends;
}

type Texts = TextData | LineData;

const textsOf = (columns: readonly ParquetColumn[]): Texts[] =>
  columns.flatMap((column) => ("values" in column ? [] : [column]));

/** At least the bytes of the texts of any row. */
const rowBytesMax = (texts: readonly Texts[]): number =>
  texts.reduce((sum, column) => sum + longestValue(column), 0);

function longestValue(column: Texts): number {
  let longest = 0;
  if ("lines" in column) {
    const { lengths } = column;
    for (let row = 0; row < lengths.length; row += 1) {
      if (lengths[row]! > longest) longest = lengths[row]!;
    }
    return longest;
  }
  const { ends, size } = column;
  for (let id = 1; id <= size; id += 1) {
    const length = ends[id]! - ends[id - 1]!;
    if (length > longest) longest = length;
  }
  return longest;
}

function endsByBytes(texts: readonly Texts[], rows: number): number[] {
  const bytesOf = rowBytes(texts, rows);
  const result: number[] = [];
  let start = 0;
  let stretchBytes = 0;
  for (let row = 0; row < rows; row += 1) {
    if ((row - start) % STRETCH_ROWS === 0) stretchBytes = 0;
    stretchBytes += bytesOf[row]!;
    const isTooMuch = stretchBytes > STRETCH_BYTES_MAX || row - start === ROWS_MAX;
    if (!isTooMuch || row === start) continue;
    result.push(row);
    start = row;
    stretchBytes = bytesOf[row]!;
  }
  return rows > 0 ? [...result, rows] : result;
}

function rowBytes(texts: readonly Texts[], rows: number): Float64Array {
  const bytes = new Float64Array(rows);
  for (const column of texts) {
    if ("lines" in column) {
      for (let row = 0; row < rows; row += 1) bytes[row]! += column.lengths[row]!;
      continue;
    }
    const { ids, ends } = column;
    for (let row = 0; row < rows; row += 1) {
      const id = ids[row]!;
      if (id > 0) bytes[row]! += ends[id]! - ends[id - 1]!;
    }
  }
  return bytes;
}
