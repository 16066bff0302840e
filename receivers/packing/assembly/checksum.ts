import { CHECKSUM } from "../layout";
/**
 * A checksum of 16 lanes of 32 bits, each of which takes every 16th word by the round of XXH32 (Collet, "xxHash"). One lane tells two
 * bodies that differ in a word of it from each other, except for one in 2^32.
 */
import { CHECKSUM_TAIL } from "./own";

const STEP: usize = 64;
const PRIME_1: i32 = <i32>0x9e3779b1;
const PRIME_2: i32 = <i32>0x85ebca77;

/** Begins the checksum in CHECKSUM. */
export function beginChecksum(): void {
  memory.fill(CHECKSUM, 0, STEP);
}

/** Adds [at, at + bytes) to it: all but the last addition have to be of multiples of 64 bytes. */
export function addToChecksum(at: usize, bytes: usize): void {
  const end = at + (bytes & ~(STEP - 1));
  addWhole(at, end);
  const rest = bytes & (STEP - 1);
  if (rest == 0) return;
  memory.fill(CHECKSUM_TAIL, 0, STEP);
  memory.copy(CHECKSUM_TAIL, end, rest);
  addWhole(CHECKSUM_TAIL, CHECKSUM_TAIL + STEP);
}

function addWhole(from: usize, to: usize): void {
  let a = v128.load(CHECKSUM);
  let b = v128.load(CHECKSUM + 16);
  let c = v128.load(CHECKSUM + 32);
  let d = v128.load(CHECKSUM + 48);
  for (let at = from; at < to; at += STEP) {
    a = round(a, v128.load(at));
    b = round(b, v128.load(at + 16));
    c = round(c, v128.load(at + 32));
    d = round(d, v128.load(at + 48));
  }
  v128.store(CHECKSUM, a);
  v128.store(CHECKSUM + 16, b);
  v128.store(CHECKSUM + 32, c);
  v128.store(CHECKSUM + 48, d);
}

function round(lane: v128, word: v128): v128 {
  const sum = i32x4.add(lane, i32x4.mul(word, i32x4.splat(PRIME_2)));
  const turned = v128.or(i32x4.shl(sum, 13), i32x4.shr_u(sum, 19));
  return i32x4.mul(turned, i32x4.splat(PRIME_1));
}
