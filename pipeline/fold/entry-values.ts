import type { Batch } from "#collectors/batch.ts";
import { listOf, type NumberField, type TextField } from "#collectors/fields.ts";
import type { TextColumn } from "#collectors/text-column.ts";

import { stableHashIn } from "../sketches/stable-hash.ts";

const NO_IDS = new Uint32Array();
const NO_NUMBERS = new Float64Array();
const ENTRIES_MIN = 1024;

type ValueOf = (column: TextColumn, id: number) => number;

/** A number for each dictionary entry of a column, computed once for each distinct value. */
export class EntryValues {
  /** The column's dictionary numbers by row; empty if no row has a value. */
  ids: Uint32Array = NO_IDS;
  /** The number for each dictionary entry. */
  values = new Uint32Array(ENTRIES_MIN);
  #done = 0;
  readonly #batch: Batch;
  readonly #field: TextField;
  readonly #valueOf: ValueOf;

  constructor(batch: Batch, field: TextField, valueOf: ValueOf) {
    this.#batch = batch;
    this.#field = field;
    this.#valueOf = valueOf;
  }

  /** To be called before reading rows that were written since the last call. */
  prepare(): void {
    const column = this.#batch.textColumns().get(this.#field);
    this.ids = idsOf(this.#batch, this.#field);
    if (!column) return;
    if (column.size >= this.values.length) {
      const grown = new Uint32Array(column.size * 2);
      grown.set(this.values);
      this.values = grown;
    }
    for (let id = this.#done + 1; id <= column.size; id += 1) {
      this.values[id] = this.#valueOf(column, id);
    }
    this.#done = column.size;
  }

  get isEmpty(): boolean {
    return this.ids.length === 0;
  }

  /** 0 if the row has no value. */
  at(row: number): number {
    if (this.ids.length === 0) return 0;
    const id = this.ids[row]!;
    return id === 0 ? 0 : this.values[id]!;
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#done = 0;
  }
}

/** Hash of a value that is stable across processes and versions; never 0. */
export const hashOf: ValueOf = (column, id) => {
  const { bytes, ends } = column.dictionary;
  return stableHashIn(bytes, ends[id - 1]!, ends[id]!) || 1;
};

/** Maps a value to 1 if the list has it, else 0. */
export function listHas(value: string): ValueOf {
  return (column, id) => (listOf(column.text(id)).includes(value) ? 1 : 0);
}

/** The dictionary numbers of a column by row; empty if no row has a value. Valid until more rows are written. */
export function idsOf(batch: Batch, field: TextField): Uint32Array {
  const column = batch.textColumns().get(field);
  return column && column.size > 0 ? column.ids : NO_IDS;
}

/** The numbers of a column by row; empty if the batch does not have the column. Valid until more rows are written. */
export function numbersOf(batch: Batch, field: NumberField): Float64Array {
  return batch.numberColumns().get(field)?.values ?? NO_NUMBERS;
}
