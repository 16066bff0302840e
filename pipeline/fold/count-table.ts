const ENTRIES_MIN = 64;

/**
 * Counts by group and key, both unsigned 32-bit numbers: a hash table in typed arrays, because each of a million rows
 * is counted several times. Entries keep their order of insertion.
 */
export class CountTable {
  size = 0;
  groups = new Uint32Array(ENTRIES_MIN);
  keys = new Uint32Array(ENTRIES_MIN);
  counts = new Float64Array(ENTRIES_MIN);
  /** Entry number + 1; 0 is a free slot. There are at least twice as many slots as entries. */
  #slots = new Uint32Array(ENTRIES_MIN * 2);

  /** Adds to the count, and returns whether the entry is new. */
  add(group: number, key: number, count: number): boolean {
    const mask = this.#slots.length - 1;
    let slot = slotOf(group, key) & mask;
    for (;;) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) break;
      if (this.groups[entry] === group && this.keys[entry] === key) {
        this.counts[entry]! += count;
        return false;
      }
      slot = (slot + 1) & mask;
    }
    if (this.size === this.groups.length) {
      this.#grow();
      return this.add(group, key, count);
    }
    this.groups[this.size] = group;
    this.keys[this.size] = key;
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
    const length = this.groups.length * 2;
    const { groups, keys, counts } = this;
    this.groups = new Uint32Array(length);
    this.groups.set(groups);
    this.keys = new Uint32Array(length);
    this.keys.set(keys);
    this.counts = new Float64Array(length);
    this.counts.set(counts);
    const slots = new Uint32Array(length * 2);
    for (let entry = 0; entry < this.size; entry += 1) {
      let slot = slotOf(groups[entry]!, keys[entry]!) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function slotOf(group: number, key: number): number {
  const mixed = Math.imul(group, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
