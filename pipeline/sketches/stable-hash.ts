/**
 * Hashes that are the same in every process and version, because sketches with these hashes are stored and
 * merged for years. MurmurHash3 (x86, 32 bit) by Austin Appleby, public domain.
 */
const SEED = 0x51ed270b;

/** A 32-bit hash of the bytes, as an unsigned integer. */
export function stableHash(bytes: Uint8Array, seed = SEED): number {
  return stableHashIn(bytes, 0, bytes.length, seed);
}

/** The hash of the bytes [start, end), for which no view of them has to be created. */
export function stableHashIn(bytes: Uint8Array, start: number, end: number, seed = SEED): number {
  const length = end - start;
  const blocks = start + (length & ~3);
  let hash = seed;
  for (let i = start; i < blocks; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash ^= scrambled(word);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  if (end > blocks) {
    let word = 0;
    for (let i = end - 1; i >= blocks; i -= 1) word = (word << 8) | bytes[i]!;
    hash ^= scrambled(word);
  }
  return finished(hash ^ length);
}

/** A hash of two hashes in this order. */
export function combinedHash(first: number, second: number): number {
  return finished(Math.imul(first ^ SEED, 0x9e3779b1) + second);
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
