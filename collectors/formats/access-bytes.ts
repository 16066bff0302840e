import { CLOSE_BRACKET, DASH, OPEN_BRACKET, QUOTE, SPACE, indexOf } from "./bytes.ts";

/** The position of the bracket before the time, or -1: ` [14/Mar…`, ` [2026-…`. */
export function timeBracket(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start + 1; i + 12 < end; i += 1) {
    if (bytes[i] === QUOTE && bytes[i - 1] === CLOSE_BRACKET) return -1;
    if (bytes[i] !== OPEN_BRACKET || bytes[i - 1] !== SPACE) continue;
    const isClf = bytes[i + 3] === 0x2f && bytes[i + 7] === 0x2f;
    const isIso = bytes[i + 5] === DASH && bytes[i + 8] === DASH;
    if (isClf || isIso) return i;
  }
  // An invalid time is reported as such.
  const bracket = indexOf(bytes, OPEN_BRACKET, start + 1, end);
  return bracket > 0 && bytes[bracket - 1] === SPACE ? bracket : -1;
}

/** A quote inside the request ends it only if a status or a dash follows. */
export function closesRequest(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at + 1] !== SPACE || at + 2 >= end) return false;
  const next = bytes[at + 2]!;
  return next === DASH || (next >= 0x30 && next <= 0x39);
}

export function isMethodByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === DASH || byte === 0x5f;
}

export function isHttp(bytes: Uint8Array, at: number, end: number): boolean {
  const isWord = bytes[at] === 0x48 && bytes[at + 1] === 0x54 && bytes[at + 2] === 0x54;
  return isWord && bytes[at + 3] === 0x50 && bytes[at + 4] === 0x2f && at + 5 < end;
}

/** Whether text without a following version can be a URL: `/path`, `*`, or absolute. */
export function isTarget(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x2f || bytes[at] === 0x2a || (bytes[at]! | 0x20) === 0x68;
}

export function digit(byte: number): number {
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : Number.NaN;
}

export function isDash(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === DASH;
}
