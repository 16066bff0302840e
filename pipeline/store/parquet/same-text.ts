import type { ParquetColumn, TextData } from "./column.ts";

/** An earlier column with the same values as the column of this number: `source.ip` usually has those of `source.address`. */
export function sameTextBefore(columns: readonly ParquetColumn[], index: number): number {
  const column = columns[index];
  if (!column || !isText(column)) return -1;
  const found = columns.findIndex((other) => isText(other) && isSame(other, column));
  return found < index ? found : -1;
}

function isText(column: ParquetColumn): column is TextData {
  return "ids" in column && column.kind === "text";
}

/** The cheapest comparisons are first: they differ for nearly all columns. */
function isSame(a: TextData, b: TextData): boolean {
  const { size } = a;
  if (size !== b.size || a.ends[size] !== b.ends[size]) return false;
  return (
    isEqual(a.ends.subarray(0, size + 1), b.ends.subarray(0, size + 1)) &&
    isEqual(a.bytes.subarray(0, a.ends[size]), b.bytes.subarray(0, b.ends[size])) &&
    isEqual(a.ids, b.ids)
  );
}

function isEqual(a: Uint8Array | Uint32Array, b: Uint8Array | Uint32Array): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
