/**
 * A mergeable distinct count in at most 2 KiB: HyperLogLog with an exact beginning (Heule,
 * Nunkesser, Hall: "HyperLogLog in practice", EDBT 2013) and the estimator without bias tables of Ertl ("New
 * cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017).
 * Up to EXACT_MAX hashes the count is exact; beyond, its standard error is 1.04 / √2048 = 2.3 %.
 */
const INDEX_BITS = 11;
const REGISTERS = 1 << INDEX_BITS;
/** Remaining bits of the hash, in which leading zeros are counted. */
const RANK_BITS = 32 - INDEX_BITS;
export const EXACT_MAX = 256;
export const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);

const SLOTS_MIN = 16;
const KIND_EXACT = 1;
const KIND_DENSE = 2;
const ALPHA = 0.5 / Math.LN2;

export class DistinctSketch {
  /** Exact: an open-addressed set, in which 0 is a free slot. Dense: one rank per register. */
  #slots: Uint32Array | undefined = new Uint32Array(SLOTS_MIN);
  #size = 0;
  #registers: Uint8Array | undefined;

  /** Adds a 32-bit hash from `stable-hash.ts`. */
  add(hash: number): void {
    if (this.#registers) addToRegister(this.#registers, hash);
    else this.#addExactly(hash === 0 ? 1 : hash);
  }

  merge(other: DistinctSketch): void {
    if (other.#registers) {
      const own = this.#registers ?? this.#densify();
      const theirs = other.#registers;
      for (let i = 0; i < REGISTERS; i += 1) {
        if (theirs[i]! > own[i]!) own[i] = theirs[i]!;
      }
    } else {
      for (const hash of other.#slots ?? []) if (hash !== 0) this.add(hash);
    }
  }

  /** The number of distinct hashes that were added, rounded to a whole number. */
  estimate(): number {
    return this.#registers ? Math.round(estimated(this.#registers)) : this.#size;
  }

  /** A byte with the kind, then the sorted hashes (little endian) or the registers. */
  toBytes(): Uint8Array {
    if (this.#registers) {
      const bytes = new Uint8Array(1 + REGISTERS);
      bytes[0] = KIND_DENSE;
      bytes.set(this.#registers, 1);
      return bytes;
    }
    const hashes = new Uint32Array(this.#size);
    let count = 0;
    for (const hash of this.#slots ?? []) if (hash !== 0) hashes[count++] = hash;
    // In place, because the copy of toSorted would immediately be garbage.
    // oxlint-disable-next-line unicorn/no-array-sort
    hashes.sort();
    const bytes = new Uint8Array(1 + count * 4);
    const view = new DataView(bytes.buffer);
    bytes[0] = KIND_EXACT;
    for (let i = 0; i < count; i += 1) view.setUint32(1 + i * 4, hashes[i]!, true);
    return bytes;
  }

  /** @throws for bytes that are not from `toBytes` */
  static fromBytes(bytes: Uint8Array): DistinctSketch {
    const sketch = new DistinctSketch();
    sketch.mergeBytes(bytes);
    return sketch;
  }

  /** Merges a serialised sketch without creating an object for it. */
  mergeBytes(bytes: Uint8Array): void {
    const { length } = bytes;
    if (bytes[0] === KIND_DENSE && length === 1 + REGISTERS) {
      const own = this.#registers ?? this.#densify();
      for (let i = 0; i < REGISTERS; i += 1) {
        if (bytes[i + 1]! > own[i]!) own[i] = Math.min(bytes[i + 1]!, RANK_BITS + 1);
      }
    } else if (bytes[0] === KIND_EXACT && length % 4 === 1 && length <= 1 + EXACT_MAX * 4) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, length);
      for (let at = 1; at < length; at += 4) this.add(view.getUint32(at, true));
    } else {
      throw new Error(
        `not a distinct sketch: ${length} bytes that begin with ${bytes[0] ?? "none"}`,
      );
    }
  }

  #addExactly(hash: number): void {
    let slots = this.#slots!;
    let slot = hash & (slots.length - 1);
    for (;;) {
      const there = slots[slot]!;
      if (there === hash) return;
      if (there === 0) break;
      slot = (slot + 1) & (slots.length - 1);
    }
    if (this.#size === EXACT_MAX) {
      addToRegister(this.#densify(), hash);
      return;
    }
    slots[slot] = hash;
    this.#size += 1;
    if (this.#size * 2 <= slots.length) return;
    const old = slots;
    this.#slots = slots = new Uint32Array(old.length * 2);
    this.#size = 0;
    for (const kept of old) if (kept !== 0) this.#addExactly(kept);
  }

  #densify(): Uint8Array {
    const registers = new Uint8Array(REGISTERS);
    for (const hash of this.#slots ?? []) if (hash !== 0) addToRegister(registers, hash);
    this.#registers = registers;
    this.#slots = undefined;
    return registers;
  }
}

function addToRegister(registers: Uint8Array, hash: number): void {
  const index = hash >>> RANK_BITS;
  const rest = (hash << INDEX_BITS) | (1 << (INDEX_BITS - 1));
  const rank = Math.clz32(rest) + 1;
  if (rank > registers[index]!) registers[index] = rank;
}

/** Ertl 2017, algorithm 6. */
function estimated(registers: Uint8Array): number {
  const counts = new Float64Array(RANK_BITS + 2);
  for (const rank of registers) counts[rank]! += 1;
  let sum = REGISTERS * tau(1 - counts[RANK_BITS + 1]! / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank -= 1) sum = 0.5 * (sum + counts[rank]!);
  sum += REGISTERS * sigma(counts[0]! / REGISTERS);
  return (ALPHA * REGISTERS * REGISTERS) / sum;
}

function sigma(start: number): number {
  if (start === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z, before] = [start, 1, start, -1];
  while (z !== before) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let [x, y, z, before] = [start, 1, 1 - start, -1];
  while (z !== before) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}
