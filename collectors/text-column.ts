import { copyBytes, grownBytes, grownWords, viewAll } from "./byte-arrays.ts";
import { hashBytes } from "./hash-bytes.ts";
import type { TextArrays } from "./plain-lines/arrays.ts";
import { HEAD_BYTES, SIZE, SIZE_MAX, SLOT_MASK } from "./plain-lines/layout.ts";

const SLOTS_MIN = 64;
/** More, because the module of plain lines stops where they are full. */
const SHARED_SLOTS_MIN = 1024;
const ARENA_BYTES_MIN = 1024;
const TEXTS_MAX = 1024;
const ERASED = 0x2a;
/** A short text is encoded here, without creating an array for it. */
const encoded = new Uint8Array(512);
/** Bytes per UTF-16 code unit. */
const UTF8_BYTES_MAX = 3;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The bytes that were viewed last: nearly always those of the chunk whose lines are read. */
let viewedBytes: Uint8Array = new Uint8Array();
let lastView: DataView = new DataView(viewedBytes.buffer);

/** A view that reads four bytes at a time, in any alignment, which is much faster than byte by byte. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewedBytes) {
    viewedBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastView;
}

/** Distinct values, concatenated: value `id`, from 1 on, is in [ends[id - 1], ends[id]). */
type Dictionary = { bytes: Uint8Array; ends: Uint32Array };

/**
 * Text that a format writes row by row, without creating an object or a string per event. It is dictionary-coded: each distinct
 * byte string is stored once, and a row has its number.
 */
export class TextColumn {
  /** A dictionary number for each row; 0 for rows without a value. */
  ids: Uint32Array<ArrayBuffer>;
  #arena = new Uint8Array(ARENA_BYTES_MIN);
  #view = viewAll(this.#arena);
  #ends = new Uint32Array(SLOTS_MIN);
  /** In each slot a hash and, beside it, so that both are read from memory at once, the number; 0 is a free slot. */
  #slots = new Uint32Array(SLOTS_MIN * 2);
  /** The number of values and limits, where the module of plain lines finds them. */
  #head = new Uint32Array(HEAD_BYTES / 4);
  #shared: TextArrays | undefined;
  #isShared = false;
  /** The first of the values that have no slot yet; 0 if all have one. */
  #appended = 0;
  /** Numbers of short texts, so that frequent texts are not encoded each time. */
  readonly #texts = new Map<string, number>();

  constructor(rowsMax: number) {
    this.ids = new Uint32Array(rowsMax);
    this.#limit();
  }

  /** The number of distinct values, which are numbered from 1 to size. */
  get size(): number {
    return this.#head[SIZE / 4]!;
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
    if (start + length > bytes.length) return -1;
    return this.#isAt(from, viewOf(bytes), start, start + length) ? length : -1;
  }

  putText(row: number, text: string): number {
    const id = this.internText(text);
    this.ids[row] = id;
    return id;
  }

  /** The number of this byte string, which is added to the dictionary if it is new. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    if (this.#appended > 0) this.#giveSlots();
    const view = viewOf(bytes);
    const hash = hashBytes(view, start, end);
    const slots = this.#slots;
    const mask = this.#head[SLOT_MASK / 4]!;
    let slot = hash & mask;
    for (;;) {
      const id = slots[slot * 2 + 1]!;
      if (id === 0) return this.#add(slot, hash, { view, start, end });
      if (slots[slot * 2] === hash) {
        const from = this.#ends[id - 1]!;
        const hasLength = this.#ends[id]! - from === end - start;
        if (hasLength && this.#isAt(from, view, start, end)) return id;
      }
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Adds the values [first, last] of another dictionary, none of which is in this one, without looking for them. Numbers continue
   * after those of this dictionary.
   */
  append({ bytes, ends }: Dictionary, first: number, last: number): void {
    if (last < first) return;
    const from = ends[first - 1]!;
    const shift = this.dictionaryBytes - from;
    const before = this.size;
    this.#reserveBytes(ends[last]! + shift);
    this.#arena.set(bytes.subarray(from, ends[last]), from + shift);
    while (before + last - first + 1 >= this.#ends.length) this.#growEnds();
    for (let id = first; id <= last; id += 1) {
      this.#ends[before + 1 + id - first] = ends[id]! + shift;
    }
    this.#head[SIZE / 4] = before + 1 + last - first;
    if (this.#appended === 0) this.#appended = before + 1;
    if (this.#isShared) this.#giveSlots();
  }

  internText(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (text.length * UTF8_BYTES_MAX > encoded.length) {
      const bytes = encoder.encode(text);
      return this.intern(bytes, 0, bytes.length);
    }
    const { written } = encoder.encodeInto(text, encoded);
    const id = this.intern(encoded, 0, written);
    if (this.#texts.size < TEXTS_MAX) this.#texts.set(text, id);
    return id;
  }

  /** A view of the value's bytes: valid until the column is written to again. */
  bytes(id: number): Uint8Array {
    return this.#arena.subarray(this.#ends[id - 1], this.#ends[id]);
  }

  text(id: number): string {
    return decoder.decode(this.bytes(id));
  }

  /** All distinct values, concatenated; value `id` is in [ends[id - 1], ends[id]). Valid until a write. */
  get dictionary(): Dictionary {
    return { bytes: this.#arena, ends: this.#ends };
  }

  /** Total bytes of all distinct values. */
  get dictionaryBytes(): number {
    return this.#ends[this.size]!;
  }

  /** Overwrites those of these values that none of the rows has. */
  eraseUnused(rows: number, isErased: (id: number) => boolean): void {
    const used = new Uint8Array(this.size + 1);
    for (let row = 0; row < rows; row += 1) used[this.ids[row]!] = 1;
    for (let id = 1; id <= this.size; id += 1) {
      if (used[id] === 0 && isErased(id)) this.bytes(id).fill(ERASED);
    }
  }

  /** Ensures capacity for rows up to this number. */
  reserve(rowsMax: number): void {
    if (rowsMax <= this.ids.length) return;
    this.ids = grownWords(this.ids, rowsMax);
    this.#leaveShared();
  }

  reset(): void {
    if (this.#shared && !this.#isShared) this.#useShared(this.#shared);
    // Without values, no row has one.
    else if (this.size === 0) return;
    this.ids.fill(0);
    this.#slots.fill(0);
    this.#texts.clear();
    this.#appended = 0;
    this.#head[SIZE / 4] = 0;
  }

  /** From now on the arrays are used as long as they are large enough. The column has to be empty. */
  share(shared: TextArrays): void {
    this.#shared = shared;
    this.#useShared(shared);
  }

  #useShared({ head, ids, values, ends, slots }: TextArrays): void {
    this.#head = head;
    this.ids = ids;
    this.#arena = values;
    this.#view = viewAll(values);
    this.#ends = ends;
    this.#slots = slots.subarray(0, SHARED_SLOTS_MIN * 2);
    this.#isShared = true;
    this.#limit();
  }

  #leaveShared(): void {
    if (this.#isShared) this.#shared?.leave();
    this.#isShared = false;
  }

  /** At most half of the slots are used. */
  #limit(): void {
    const slots = this.#slots.length / 2;
    this.#head[SLOT_MASK / 4] = slots - 1;
    this.#head[SIZE_MAX / 4] = Math.min(slots / 2, this.#ends.length) - 1;
  }

  /** Whether the dictionary has the bytes [start, end) at `from`. */
  #isAt(from: number, bytes: DataView, start: number, end: number): boolean {
    const view = this.#view;
    let i = start;
    let j = from;
    for (; i + 4 <= end; i += 4, j += 4) {
      if (bytes.getInt32(i, true) !== view.getInt32(j, true)) return false;
    }
    for (; i < end; i += 1, j += 1) if (bytes.getUint8(i) !== view.getUint8(j)) return false;
    return true;
  }

  #add(slot: number, hash: number, value: { view: DataView; start: number; end: number }): number {
    const start = this.#ends[this.size]!;
    const end = start + value.end - value.start;
    this.#reserveBytes(end);
    copyBytes(value, this.#view, start);
    const id = this.size + 1;
    this.#head[SIZE / 4] = id;
    if (id >= this.#ends.length) this.#growEnds();
    this.#ends[id] = end;
    this.#setSlot(slot, hash, id);
    return id;
  }

  #reserveBytes(length: number): void {
    if (length <= this.#arena.length) return;
    this.#arena = grownBytes(this.#arena, length);
    this.#view = viewAll(this.#arena);
    this.#leaveShared();
  }

  #growEnds(): void {
    this.#ends = grownWords(this.#ends);
    this.#leaveShared();
  }

  #setSlot(slot: number, hash: number, id: number): void {
    this.#slots[slot * 2] = hash;
    this.#slots[slot * 2 + 1] = id;
    if (id * 2 > this.#head[SLOT_MASK / 4]!) this.#rehash();
  }

  #giveSlots(): void {
    for (let id = this.#appended; id <= this.size; id += 1) {
      const hash = hashBytes(this.#view, this.#ends[id - 1]!, this.#ends[id]!);
      const mask = this.#head[SLOT_MASK / 4]!;
      let slot = hash & mask;
      while (this.#slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
      this.#setSlot(slot, hash, id);
    }
    this.#appended = 0;
  }

  #rehash(): void {
    const length = this.#slots.length * 2;
    const before = this.#isShared ? this.#slots.slice() : this.#slots;
    const slots = this.#emptySlots(length);
    const mask = length / 2 - 1;
    for (let i = 0; i < before.length; i += 2) {
      const id = before[i + 1]!;
      if (id === 0) continue;
      const hash = before[i]!;
      let slot = hash & mask;
      while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
      slots[slot * 2] = hash;
      slots[slot * 2 + 1] = id;
    }
    this.#slots = slots;
    this.#limit();
  }

  #emptySlots(length: number): Uint32Array<ArrayBuffer> {
    const shared = this.#isShared ? this.#shared?.slots : undefined;
    if (shared && length <= shared.length) return shared.subarray(0, length).fill(0);
    this.#leaveShared();
    return new Uint32Array(length);
  }
}
