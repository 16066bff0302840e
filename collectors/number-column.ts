import type { NumberArrays } from "./plain-lines/arrays.ts";

/** Numbers that a format writes row by row. */
export class NumberColumn {
  /** A number for each row; NaN for rows without a value. */
  values: Float64Array<ArrayBuffer>;
  #shared: NumberArrays | undefined;

  constructor(rowsMax: number) {
    this.values = new Float64Array(rowsMax).fill(Number.NaN);
  }

  /** From now on the array is used as long as it is large enough. The column has to be empty. */
  share(shared: NumberArrays): void {
    this.#shared = shared;
    this.reset();
  }

  /** Ensures capacity for rows up to this number. */
  reserve(rowsMax: number): void {
    if (rowsMax <= this.values.length) return;
    const bigger = new Float64Array(rowsMax).fill(Number.NaN);
    bigger.set(this.values);
    this.values = bigger;
    this.#shared?.leave();
  }

  put(row: number, value: number): void {
    this.values[row] = value;
  }

  reset(): void {
    if (this.#shared) this.values = this.#shared.values;
    this.values.fill(Number.NaN);
  }
}
