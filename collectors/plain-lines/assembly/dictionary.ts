import {
  ENDS,
  HASH_FACTOR,
  HASH_SEED,
  SIZE,
  SIZE_MAX,
  SLOTS,
  SLOT_MASK,
  VALUES,
  VALUE_BYTES_MAX,
} from "../layout";

/** The number of the bytes in the dictionary of the column, to which they are added if they are new; 0 if it is full. */
export function intern(column: usize, hash: u32, from: usize, length: u32): u32 {
  const slots: usize = load<u32>(column + SLOTS);
  const mask = load<u32>(column + SLOT_MASK);
  const ends: usize = load<u32>(column + ENDS);
  const values: usize = load<u32>(column + VALUES);
  let slot = hash & mask;
  while (true) {
    const at = slots + ((<usize>slot) << 3);
    const id = load<u32>(at, 4);
    if (id == 0) return add(column, at, hash, from, length);
    if (load<u32>(at) == hash) {
      const start = load<u32>(ends + ((<usize>id) << 2) - 4);
      if (load<u32>(ends + ((<usize>id) << 2)) - start == length) {
        if (isSame(values + start, from, length)) return id;
      }
    }
    slot = (slot + 1) & mask;
  }
}

/** The number in the slot of a hash. To read it ahead of `intern` brings the slot into the processor's cache. */
export function readSlot(column: usize, hash: u32): u32 {
  const slot = load<u32>(column + SLOT_MASK) & hash;
  return load<u32>(<usize>load<u32>(column + SLOTS) + ((<usize>slot) << 3), 4);
}

/** The first byte of the value in the slot of a hash, for the same purpose. */
export function readValue(column: usize, hash: u32): u32 {
  const id = readSlot(column, hash);
  if (id == 0) return 0;
  const start = load<u32>(<usize>load<u32>(column + ENDS) + ((<usize>id) << 2) - 4);
  return load<u8>(<usize>load<u32>(column + VALUES) + start);
}

function add(column: usize, slot: usize, hash: u32, from: usize, length: u32): u32 {
  const id = load<u32>(column + SIZE) + 1;
  const ends: usize = load<u32>(column + ENDS);
  const start = load<u32>(ends + ((<usize>id) << 2) - 4);
  const end = start + length;
  if (id > load<u32>(column + SIZE_MAX) || end > load<u32>(column + VALUE_BYTES_MAX)) return 0;
  const to: usize = <usize>load<u32>(column + VALUES) + start;
  // What is written after the end is overwritten by the next value.
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
  store<u32>(ends + ((<usize>id) << 2), end);
  store<u32>(slot, hash);
  store<u32>(slot, id, 4);
  store<u32>(column + SIZE, id);
  return id;
}

function isSame(a: usize, b: usize, length: u32): bool {
  if (length >= 16) {
    const last: usize = length - 16;
    for (let i: usize = 0; i < last; i += 16) {
      if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
    }
    return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
  }
  if (length >= 8) {
    const last: usize = length - 8;
    return load<u64>(a) == load<u64>(b) && load<u64>(a + last) == load<u64>(b + last);
  }
  if (length >= 4) {
    const last: usize = length - 4;
    return load<u32>(a) == load<u32>(b) && load<u32>(a + last) == load<u32>(b + last);
  }
  for (let i: usize = 0; i < length; i += 1) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

/** The same as `hashBytes` of the columns. */
export function hashOf(from: usize, length: u32): u32 {
  const factor = load<u32>(HASH_FACTOR);
  let hash = load<u32>(HASH_SEED) ^ length;
  let at = from;
  const end = from + length;
  if (length >= 16) {
    const factors = i32x4.splat(factor);
    let lanes = i32x4.splat(hash);
    for (; at + 16 <= end; at += 16) {
      lanes = i32x4.mul(v128.xor(lanes, v128.load(at)), factors);
      lanes = v128.xor(lanes, i32x4.shr_u(lanes, 15));
    }
    hash = i32x4.extract_lane(lanes, 0);
    hash = mixed(hash, i32x4.extract_lane(lanes, 1), factor);
    hash = mixed(hash, i32x4.extract_lane(lanes, 2), factor);
    hash = mixed(hash, i32x4.extract_lane(lanes, 3), factor);
  }
  for (; at + 4 <= end; at += 4) hash = mixed(hash, load<u32>(at), factor);
  for (; at < end; at += 1) hash = (hash ^ load<u8>(at)) * 0x01000193;
  hash ^= hash >> 15;
  return hash * 0x2c1b3c6d;
}

function mixed(hash: u32, word: u32, factor: u32): u32 {
  const product = (hash ^ word) * factor;
  return product ^ (product >> 15);
}
