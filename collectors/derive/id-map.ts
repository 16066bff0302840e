/** Maps dictionary numbers of one column to those of another one; 0 if there is none. Grows with the dictionary. */
export class IdMap {
  ids = new Uint32Array(1024);
  #size = 0;

  /** Ensures capacity for numbers up to `size`; returns the previous size. */
  grow(size: number): number {
    const known = this.#size;
    if (size >= this.ids.length) {
      const bigger = new Uint32Array(Math.max(this.ids.length * 2, size + 1));
      bigger.set(this.ids);
      this.ids = bigger;
    }
    this.#size = Math.max(known, size);
    return known;
  }

  /** Fills empty rows of the target with the number that the source's value maps to. */
  copy(from: Uint32Array, to: Uint32Array, fromRow: number, toRow: number): void {
    const { ids } = this;
    for (let row = fromRow; row < toRow; row += 1) if (to[row] === 0) to[row] = ids[from[row]!]!;
  }

  reset(): void {
    this.ids.fill(0, 0, this.#size + 1);
    this.#size = 0;
  }
}
