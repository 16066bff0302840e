/**
 * Columns that a format writes row by row, without creating an object or a string per event.
 * Text is dictionary-coded: each distinct byte string is stored once, and a row has its number.
 */

const SLOTS_MIN = 1024;
const ARENA_BYTES_MIN = 16 * 1024;
const TEXTS_MAX = 1024;
const TEXT_BYTES_MAX = 128;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Random seed and factor, so that log lines cannot be crafted to collide. */
const HASH_SEED = (Math.random() * 0x7fffffff) | 0;
const HASH_FACTOR = (Math.random() * 0x7fffffff) | 0x10101001;

/** Four bytes at a time, because the dependent multiplications dominate the cost of a hash. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED ^ (end - start);
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash = Math.imul(hash ^ word, HASH_FACTOR);
    hash ^= hash >>> 15;
  }
  for (; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

export class TextColumn {
  /** A dictionary number for each row; 0 for rows without a value. */
  ids: Uint32Array<ArrayBuffer>;
  /** The number of distinct values, which are numbered from 1 to size. */
  size = 0;
  #arena = new Uint8Array(ARENA_BYTES_MIN);
  #ends = new Uint32Array(SLOTS_MIN);
  #hashes = new Uint32Array(SLOTS_MIN);
  #slots = new Uint32Array(SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  /** Numbers of short texts, so that frequent texts are not encoded each time. */
  readonly #texts = new Map<string, number>();

  constructor(rowsMax: number) {
    this.ids = new Uint32Array(rowsMax);
  }

  /** Sets the row to the bytes in [start, end) and returns their dictionary number. */
  put(row: number, bytes: Uint8Array, start: number, end: number): number {
    const id = this.intern(bytes, start, end);
    this.ids[row] = id;
    return id;
  }

  /** The length of the value with this number if the bytes from `start` begin with it; otherwise -1. */
  lengthAt(id: number, bytes: Uint8Array, start: number): number {
    const from = this.#ends[id - 1]!;
    const length = this.#ends[id]! - from;
    const arena = this.#arena;
    for (let i = 0; i < length; i += 1) if (bytes[start + i] !== arena[from + i]) return -1;
    return length;
  }

  putText(row: number, text: string): number {
    const id = this.internText(text);
    this.ids[row] = id;
    return id;
  }

  /** The number of this byte string, which is added to the dictionary if it is new. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    let slot = hash & this.#mask;
    for (;;) {
      const id = this.#slots[slot]!;
      if (id === 0) return this.#add(slot, hash, bytes.subarray(start, end));
      if (this.#hashes[id] === hash && this.#equals(id, bytes, start, end)) return id;
      slot = (slot + 1) & this.#mask;
    }
  }

  internText(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const bytes = encoder.encode(text);
    const id = this.intern(bytes, 0, bytes.length);
    if (this.#texts.size < TEXTS_MAX && bytes.length <= TEXT_BYTES_MAX) this.#texts.set(text, id);
    return id;
  }

  /** A view of the value's bytes: valid until the column is written to again. */
  bytes(id: number): Uint8Array {
    return this.#arena.subarray(this.#ends[id - 1], this.#ends[id]);
  }

  /** A hash of the value, equal for equal bytes within this process. */
  hash(id: number): number {
    return this.#hashes[id]!;
  }

  text(id: number): string {
    return decoder.decode(this.bytes(id));
  }

  /** All distinct values, concatenated; value `id` is in [ends[id - 1], ends[id]). Valid until a write. */
  get dictionary(): { bytes: Uint8Array; ends: Uint32Array } {
    return { bytes: this.#arena, ends: this.#ends };
  }

  /** Total bytes of all distinct values. */
  get dictionaryBytes(): number {
    return this.#ends[this.size]!;
  }

  /** Ensures capacity for rows up to this number. */
  reserve(rowsMax: number): void {
    if (rowsMax > this.ids.length) this.ids = grownWords(this.ids, rowsMax);
  }

  reset(): void {
    this.ids.fill(0);
    this.#slots.fill(0);
    this.#texts.clear();
    this.size = 0;
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#ends[id - 1]!;
    if (this.#ends[id]! - from !== end - start) return false;
    const arena = this.#arena;
    for (let i = start, j = from; i < end; i += 1, j += 1) {
      if (bytes[i] !== arena[j]) return false;
    }
    return true;
  }

  #add(slot: number, hash: number, value: Uint8Array): number {
    const start = this.#ends[this.size]!;
    const end = start + value.length;
    if (end > this.#arena.length) this.#arena = grownBytes(this.#arena, end);
    this.#arena.set(value, start);
    this.size += 1;
    const id = this.size;
    if (id >= this.#ends.length) {
      this.#ends = grownWords(this.#ends);
      this.#hashes = grownWords(this.#hashes);
    }
    this.#ends[id] = end;
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (id * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let id = 1; id <= this.size; id += 1) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}

function grownBytes(array: Uint8Array<ArrayBuffer>, lengthMin: number): Uint8Array<ArrayBuffer> {
  const bigger = new Uint8Array(Math.max(array.length * 2, lengthMin));
  bigger.set(array);
  return bigger;
}

function grownWords(
  array: Uint32Array<ArrayBuffer>,
  length = array.length * 2,
): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(length);
  bigger.set(array);
  return bigger;
}

export class NumberColumn {
  /** A number for each row; NaN for rows without a value. */
  values: Float64Array<ArrayBuffer>;

  constructor(rowsMax: number) {
    this.values = new Float64Array(rowsMax).fill(Number.NaN);
  }

  /** Ensures capacity for rows up to this number. */
  reserve(rowsMax: number): void {
    if (rowsMax <= this.values.length) return;
    const bigger = new Float64Array(rowsMax).fill(Number.NaN);
    bigger.set(this.values);
    this.values = bigger;
  }

  put(row: number, value: number): void {
    this.values[row] = value;
  }

  reset(): void {
    this.values.fill(Number.NaN);
  }
}
