import {
  EXTRA_FIELD,
  FIELDS,
  LATER_COLUMNS,
  type FieldName,
  type NumberField,
  type TextField,
} from "./fields.ts";
import { LineColumn } from "./line-column.ts";
import { NumberColumn } from "./number-column.ts";
import type { PlainLinesMemory } from "./plain-lines/memory.ts";
import type { PlainUrls } from "./plain-lines/plain-urls.ts";
import { TextColumn } from "./text-column.ts";

const NUMBER_TYPES = new Set<string>(["long", "double", "date", "boolean"]);

/**
 * Events in columns. A format writes the fields of row number `rows`; then the row is either committed or
 * rolled back. A batch is reused: its columns are emptied and kept.
 */
export class Batch {
  /** Committed rows. The next row to be written has this number. */
  rows = 0;
  rowsMax: number;
  /** The original lines, of which a sender's own `event.original` is independent. */
  readonly lines: LineColumn;
  /** The layouts of rows whose line is not stored, because their fields give it back (line-layout.ts). */
  readonly layouts: TextColumn;
  readonly #texts = new Map<TextField, TextColumn>();
  readonly #numbers = new Map<NumberField, NumberColumn>();
  #memory: PlainLinesMemory | undefined;
  /** Set while the columns share memory with the module of plain lines. */
  plainUrls: PlainUrls | undefined;

  constructor(rowsMax: number) {
    this.rowsMax = rowsMax;
    this.lines = new LineColumn(rowsMax);
    this.layouts = new TextColumn(rowsMax);
  }

  /** Lets columns use this memory. The batch has to be empty, and the memory has to have room for its rows. */
  share(memory: PlainLinesMemory): void {
    this.#memory = memory;
    this.lines.share(memory.lines);
    this.layouts.share(memory.layouts);
    for (const [name, arrays] of memory.texts) this.text(name).share(arrays);
    for (const [name, arrays] of memory.numbers) this.number(name).share(arrays);
  }

  /** Makes room for more rows. Columns may get new arrays: do not keep references to `ids` or `values`. */
  reserve(rowsMore: number): void {
    const rowsMax = this.rows + rowsMore;
    if (rowsMax <= this.rowsMax) return;
    this.rowsMax = rowsMax;
    this.lines.reserve(rowsMax);
    this.layouts.reserve(rowsMax);
    for (const column of this.#texts.values()) column.reserve(rowsMax);
    for (const column of this.#numbers.values()) column.reserve(rowsMax);
  }

  /** The column of a keyword(s) field, created at its first use; the same object for the lifetime of the batch. */
  text(name: TextField): TextColumn {
    let column = this.#texts.get(name);
    if (!column) this.#texts.set(name, (column = new TextColumn(this.rowsMax)));
    return column;
  }

  /** The column of a number field, created at its first use; the same object for the lifetime of the batch. */
  number(name: NumberField): NumberColumn {
    let column = this.#numbers.get(name);
    if (!column) this.#numbers.set(name, (column = new NumberColumn(this.rowsMax)));
    return column;
  }

  /** The columns that exist; a column may be empty. */
  textColumns(): ReadonlyMap<TextField, TextColumn> {
    return this.#texts;
  }

  numberColumns(): ReadonlyMap<NumberField, NumberColumn> {
    return this.#numbers;
  }

  commit(): void {
    this.rows += 1;
  }

  /** To be called when a field or the line of a row was changed: its fields may not give its line back any longer. */
  storeLine(row: number): void {
    this.layouts.ids[row] = 0;
  }

  /** Keeps these rows, in ascending order, of the rows from `fromRow` on. */
  keep(fromRow: number, kept: Uint32Array): void {
    const rows = { from: fromRow, to: this.rows };
    for (const column of this.#texts.values()) {
      if (column.size > 0) keepValues(column.ids, kept, { ...rows, empty: 0 });
    }
    for (const column of this.#numbers.values()) {
      keepValues(column.values, kept, { ...rows, empty: Number.NaN });
    }
    keepValues(this.layouts.ids, kept, { ...rows, empty: 0 });
    this.lines.keep(fromRow, kept, this.rows);
    this.rows = fromRow + kept.length;
  }

  /** Overwrites the values that no row has: the dictionary of a column may be stored whole. */
  eraseUnused(): void {
    for (const column of this.#texts.values()) column.eraseUnused(this.rows, () => true);
  }

  /** Discards the fields of the row that is not committed yet. */
  rollback(): void {
    this.storeLine(this.rows);
    for (const column of this.#texts.values()) column.ids[this.rows] = 0;
    for (const column of this.#numbers.values()) column.values[this.rows] = Number.NaN;
  }

  reset(): void {
    this.lines.reset();
    this.layouts.reset();
    for (const column of this.#texts.values()) column.reset();
    for (const column of this.#numbers.values()) column.reset();
    if (this.#memory) {
      this.#memory.reset();
      this.rowsMax = this.#memory.rowsMax;
    }
    this.rows = 0;
  }
}

export function isTextField(name: string): name is TextField {
  return name === EXTRA_FIELD || (isField(name) && !NUMBER_TYPES.has(FIELDS[name]));
}

export function isNumberField(name: string): name is NumberField {
  return isField(name) && NUMBER_TYPES.has(FIELDS[name]);
}

/** Whether a name may occur among the fields without a column; a column's own value takes precedence. */
export function isExtra(name: string): boolean {
  return name !== EXTRA_FIELD && (!isField(name) || LATER_COLUMNS.has(name));
}

export function isField(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}

function keepValues(
  values: Uint32Array | Float64Array,
  kept: Uint32Array,
  { from, to, empty }: { from: number; to: number; empty: number },
): void {
  for (const [index, row] of kept.entries()) values[from + index] = values[row] ?? empty;
  values.fill(empty, from + kept.length, to);
}
