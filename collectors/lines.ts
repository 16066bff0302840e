import { type CommonFields, recordsIn } from "./records.ts";
import type { Chunk } from "./source.ts";

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;
const OPEN_BRACE = 0x7b;

/**
 * Calls the callback with [start, end) of each line of the chunk, without its LF or CRLF and without the NULs that a
 * power failure leaves before it. Empty lines are skipped; an object with records is as many lines, with the
 * fields that these have in common. The offset of a line is `chunk.offset + start`. `takeAhead`
 * is called before each line; it may read lines itself, and returns where the first one begins that it did not read.
 */
export function eachLine(
  chunk: Pick<Chunk, "bytes">,
  callback: (start: number, end: number, common?: CommonFields) => void,
  takeAhead?: (start: number) => number,
): void {
  const bytes = asBuffer(chunk.bytes);
  const length = bytes.length;
  let start = 0;
  while (start < length) {
    if (takeAhead) {
      start = takeAhead(start);
      if (start >= length) break;
    }
    const found = bytes.indexOf(LF, start);
    const next = found < 0 ? length : found;
    let end = next;
    if (bytes[end - 1] === CR && end > start) end -= 1;
    while (bytes[start] === NUL && start < end) start += 1;
    const isLine = bytes[start] !== OPEN_BRACE || !eachRecord(bytes, { start, end }, callback);
    if (isLine && end > start) callback(start, end);
    start = next + 1;
  }
}

/** Whether the line is an object with records, for each of which the callback is called. */
function eachRecord(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  callback: (start: number, end: number, common?: CommonFields) => void,
): boolean {
  const records = recordsIn(bytes, start, end);
  for (const record of records ?? []) callback(record.start, record.end, record.common);
  return records !== undefined;
}

/** Buffer's indexOf is several times as fast as Uint8Array's. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
