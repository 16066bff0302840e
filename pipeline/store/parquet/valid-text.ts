import { isAscii, isUtf8 } from "node:buffer";

import type { TextData } from "./column.ts";

/** High bits of a UTF-8 continuation byte, and their mask. */
const CONTINUATION = 0x80;
const CONTINUATION_MASK = 0xc0;
const HIGH_BYTE = 0x80;

/**
 * The column with valid UTF-8 in every dictionary value: in invalid values the bytes above 0x7F are replaced by `\xHH`,
 * like in nginx, because one invalid value would make the whole file unreadable.
 */
export function validText(column: TextData): TextData {
  const all = column.bytes.subarray(0, column.ends[column.size]);
  if (isAscii(all) || (isUtf8(all) && !hasSplitCharacter(column))) return column;
  const parts: Uint8Array[] = [];
  const ends = new Uint32Array(column.size + 1);
  for (let id = 1; id <= column.size; id += 1) {
    const value = column.bytes.subarray(column.ends[id - 1], column.ends[id]);
    const valid = isUtf8(value) ? value : escaped(value);
    parts.push(valid);
    ends[id] = ends[id - 1]! + valid.length;
  }
  return { ...column, bytes: Buffer.concat(parts), ends };
}

/** Whether a value begins within a character: the concatenation may then be valid although the values are not. */
function hasSplitCharacter(column: TextData): boolean {
  for (let id = 2; id <= column.size; id += 1) {
    const start = column.ends[id - 1]!;
    if (start < column.ends[id]! && isContinuation(column.bytes[start]!)) return true;
  }
  return false;
}

/** Whether a byte of valid UTF-8 continues a character. */
function isContinuation(byte: number): boolean {
  return (byte & CONTINUATION_MASK) === CONTINUATION;
}

function escaped(value: Uint8Array): Buffer {
  let text = "";
  for (const byte of value) {
    text +=
      byte < HIGH_BYTE
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return Buffer.from(text);
}
