import { randomBytes } from "node:crypto";

/** When it was made (ms, base 36), by which process, and chance: sorts by time, unique among processes. */
export type SegmentId = `${string}-${string}-${string}`;

const PATTERN = /^[0-9a-z]{9}-[0-9a-z]{1,8}-[0-9a-f]{8}$/;
const TIME_DIGITS = 9;
const BASE = 36;

export function isSegmentId(text: string): text is SegmentId {
  return PATTERN.test(text);
}

export function compareIds(a: SegmentId, b: SegmentId): number {
  return a < b ? -1 : Number(a > b);
}

/** Epoch ms at which the id was made. */
export function madeMs(id: SegmentId): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), BASE);
}

/** The process that made it. */
export function madeBy(id: SegmentId): number {
  return Number.parseInt(id.slice(TIME_DIGITS + 1).split("-")[0] ?? "", BASE);
}

export function newSegmentId(atMs: number): SegmentId {
  const time = Math.max(0, Math.floor(atMs)).toString(BASE).padStart(TIME_DIGITS, "0");
  return `${time}-${process.pid.toString(BASE)}-${randomBytes(4).toString("hex")}`;
}
