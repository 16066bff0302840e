const ENTRIES_MIN = 64;

/**
 * Counts by a pair of unsigned 32-bit numbers: a hash table in typed arrays, because a million rows count into it
 * several times each. Entries keep their order of insertion.
 */
export class CountTable {
  size = 0;
  firsts = new Uint32Array(ENTRIES_MIN);
  seconds = new Uint32Array(ENTRIES_MIN);
  counts = new Float64Array(ENTRIES_MIN);
  /** Entry number + 1; 0 is free. Twice as many slots as entries fit. */
  #slots = new Uint32Array(ENTRIES_MIN * 2);

  /** Adds to the count of the pair, and returns whether the pair is new. */
  add(first: number, second: number, count: number): boolean {
    const mask = this.#slots.length - 1;
    let slot = slotOf(first, second) & mask;
    for (;;) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) break;
      if (this.firsts[entry] === first && this.seconds[entry] === second) {
        this.counts[entry]! += count;
        return false;
      }
      slot = (slot + 1) & mask;
    }
    if (this.size === this.firsts.length) {
      this.#grow();
      return this.add(first, second, count);
    }
    this.firsts[this.size] = first;
    this.seconds[this.size] = second;
    this.counts[this.size] = count;
    this.size += 1;
    this.#slots[slot] = this.size;
    return true;
  }

  clear(): void {
    this.size = 0;
    this.#slots.fill(0);
  }

  #grow(): void {
    const length = this.firsts.length * 2;
    const { firsts, seconds, counts } = this;
    this.firsts = new Uint32Array(length);
    this.firsts.set(firsts);
    this.seconds = new Uint32Array(length);
    this.seconds.set(seconds);
    this.counts = new Float64Array(length);
    this.counts.set(counts);
    const slots = new Uint32Array(length * 2);
    for (let entry = 0; entry < this.size; entry += 1) {
      let slot = slotOf(firsts[entry]!, seconds[entry]!) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function slotOf(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
