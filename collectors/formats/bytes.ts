import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";

/** ASCII codes of the characters that structure log lines. */
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const DASH = 0x2d;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

const decoder = new TextDecoder();
const HEX = "0123456789ABCDEF";

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The position of the byte in [from, end), or -1. */
export function indexOf(bytes: Uint8Array, byte: number, from: number, end: number): number {
  for (let i = from; i < end; i += 1) if (bytes[i] === byte) return i;
  return -1;
}

function hasHighByte(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i]! >= 0x80) return true;
  return false;
}

/** Replaces each byte that is not part of valid UTF-8 by `\xHH`, the escaping of nginx. */
export function escapeInvalidUtf8(bytes: Uint8Array): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  const out = new Uint8Array(bytes.length * 4);
  let length = 0;
  for (let i = 0; i < bytes.length;) {
    const size = sequenceLength(bytes, i);
    if (size > 0) {
      out.set(bytes.subarray(i, i + size), length);
      length += size;
      i += size;
    } else {
      const byte = bytes[i]!;
      out[length] = BACKSLASH;
      out[length + 1] = 0x78;
      out[length + 2] = HEX.charCodeAt(byte >> 4);
      out[length + 3] = HEX.charCodeAt(byte & 15);
      length += 4;
      i += 1;
    }
  }
  return out.subarray(0, length);
}

/** Length of the valid UTF-8 sequence that starts here; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (size === 0 || at + size > bytes.length) return 0;
  return isUtf8(bytes.subarray(at, at + size)) ? size : 0;
}

/** The text of [start, end), with invalid UTF-8 escaped as `\xHH`. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  const slice = bytes.subarray(start, end);
  return decoder.decode(hasHighByte(slice, 0, slice.length) ? escapeInvalidUtf8(slice) : slice);
}

/** The first 60 characters of a text, for error messages. */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  const text = textOf(bytes, start, Math.min(end, start + 60));
  return end - start > 60 ? `${text}…` : text;
}
