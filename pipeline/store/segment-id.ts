import { randomBytes } from "node:crypto";

/**
 * Creation time (ms, base 36), writer (the beginning of its token; in earlier versions a process id, base 36),
 * and a random part: sorted by time, unique among writers.
 */
export type SegmentId = `${string}-${string}-${string}`;

const PATTERN = /^[0-9a-z]{9}-[0-9a-z]{1,8}-[0-9a-f]{8}$/;
const TIME_DIGITS = 9;
const BASE = 36;
const MAKER_DIGITS = 8;

export function isSegmentId(text: string): text is SegmentId {
  return PATTERN.test(text);
}

export function compareIds(a: SegmentId, b: SegmentId): number {
  return a < b ? -1 : Number(a > b);
}

/** Epoch ms at which the id was created. */
export function madeMs(id: SegmentId): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), BASE);
}

/** The writer that created it. */
export function madeBy(id: SegmentId): string {
  return id.slice(TIME_DIGITS + 1).split("-")[0] ?? "";
}

export const makerOf = (token: string): string => token.slice(0, MAKER_DIGITS);
/** False for a process id of an earlier version. */
export const isMaker = (maker: string): boolean => maker.length === MAKER_DIGITS;

export function newSegmentId(atMs: number, token: string): SegmentId {
  const time = Math.max(0, Math.floor(atMs)).toString(BASE).padStart(TIME_DIGITS, "0");
  return `${time}-${makerOf(token)}-${randomBytes(4).toString("hex")}`;
}
