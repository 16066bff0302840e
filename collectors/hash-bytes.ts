const BLOCK_BYTES = 16;

/** Random seed and factor, so that log lines cannot be crafted to collide. */
export const HASH_SEED = (Math.random() * 0x7fffffff) | 0;
export const HASH_FACTOR = (Math.random() * 0x7fffffff) | 0x10101001;

/** The same as `hashOf` in plain-lines/assembly/dictionary.ts, which computes the four parts of a block at once. */
export function hashBytes(bytes: DataView, start: number, end: number): number {
  let hash = HASH_SEED ^ (end - start);
  let i = start;
  if (end - start >= BLOCK_BYTES) {
    let a = hash;
    let b = hash;
    let c = hash;
    let d = hash;
    for (; i + BLOCK_BYTES <= end; i += BLOCK_BYTES) {
      a = mixed(a, bytes.getInt32(i, true));
      b = mixed(b, bytes.getInt32(i + 4, true));
      c = mixed(c, bytes.getInt32(i + 8, true));
      d = mixed(d, bytes.getInt32(i + 12, true));
    }
    hash = mixed(mixed(mixed(a, b), c), d);
  }
  for (; i + 4 <= end; i += 4) hash = mixed(hash, bytes.getInt32(i, true));
  for (; i < end; i += 1) hash = Math.imul(hash ^ bytes.getUint8(i), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, HASH_FACTOR);
  return product ^ (product >>> 15);
}
