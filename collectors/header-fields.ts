import { isNumberField, isTextField, type Batch } from "./batch.ts";
import { EXTRA_FIELD } from "./fields.ts";
import { OPTIONAL_LINE_FIELDS } from "./line-layout.ts";
import type { NumberColumn } from "./number-column.ts";
import type { RecordHeader } from "./source.ts";
import type { TextColumn } from "./text-column.ts";

type Rows = { from: number; to: number };

/** Writes the header fields into the rows of its lines, unless a line has its own value. */
export function fillFields(batch: Batch, fields: RecordHeader["fields"], rows: Rows): void {
  const extras: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(fields)) {
    if (name === EXTRA_FIELD || value === "") continue;
    if (OPTIONAL_LINE_FIELDS.has(name)) storeLines(batch, rows);
    if (isTextField(name)) fillText(batch.text(name), value, rows);
    else if (isNumberField(name)) fillNumber(batch.number(name), Number(value), rows);
    else extras[name] = value;
  }
  if (Object.keys(extras).length > 0) fillExtras(batch.text(EXTRA_FIELD), extras, rows);
}

/** The fields of a line would give it back with the value of the header. */
function storeLines(batch: Batch, { from, to }: Rows): void {
  for (let row = from; row < to; row += 1) batch.storeLine(row);
}

function fillText(column: TextColumn, value: string, { from, to }: Rows): void {
  const id = column.internText(value);
  for (let row = from; row < to; row += 1) {
    if (column.ids[row] === 0) column.ids[row] = id;
  }
}

function fillNumber({ values }: NumberColumn, value: number, { from, to }: Rows): void {
  for (let row = from; row < to; row += 1) {
    if (Number.isNaN(values[row])) values[row] = value;
  }
}

/** Fields without a column; merged once for lines with the same fields. */
function fillExtras(
  column: TextColumn,
  extras: Readonly<Record<string, string>>,
  { from, to }: Rows,
): void {
  const merged = new Map([[0, column.internText(JSON.stringify(extras))]]);
  for (let row = from; row < to; row += 1) {
    const own = column.ids[row] ?? 0;
    let id = merged.get(own);
    if (id === undefined) {
      const all: unknown = { ...extras, ...JSON.parse(column.text(own)) };
      merged.set(own, (id = column.internText(JSON.stringify(all))));
    }
    column.ids[row] = id;
  }
}
