import { isDeepStrictEqual } from "node:util";

import type { Batch } from "#collectors/batch.ts";
import { hasSeveralLines, openWrapped } from "#collectors/envelopes/scan-wrapped.ts";
import { EXTRA_FIELD } from "#collectors/fields.ts";
import type { Format, FormatContext, LineScanner } from "#collectors/format.ts";
import { endWithoutCr } from "#collectors/line-column.ts";
import type { TextColumn } from "#collectors/text-column.ts";

/** How the line of a stored event is read again. */
export type Reading = {
  /** Tried in this order. */
  formats: readonly Format[];
  /** The format that has read it before, if that is known. */
  before: Format | undefined;
  /** Whether a field of the event does not come from its line, so that it stays. */
  isKept: (field: string) => boolean;
  /** What is read instead of the original line, which it then becomes: the message of a document. */
  message?: Uint8Array;
};

/** Why an event is left as it is. */
export const LEFT = {
  noOriginal: "their original lines are not stored",
  unreadable: "no format can read them",
  severalLines: "they have several lines, of which the format would read one",
  headerLine: "a header line, which is not stored, names their fields",
  pushed: "they were pushed, and which of their fields their sender added is not known",
} as const;
export type Left = (typeof LEFT)[keyof typeof LEFT];

/** What never comes from a line, or is written anew. */
const OF_EVENT: ReadonlySet<string> = new Set([
  "log.source.id",
  "log.offset",
  "log.file.path",
  "@timestamp",
]);
const NEVER_KEPT: ReadonlySet<string> = new Set(["data_stream.dataset", "event.original"]);
const LF = 0x0a;

/** Reads lines of a batch again, into rows at its end. Formats are bound to its columns once. */
export class LineReader {
  readonly #batch: Batch;
  readonly context: FormatContext;
  readonly #scanners = new Map<Format, LineScanner>();

  constructor(batch: Batch, context: FormatContext) {
    this.#batch = batch;
    this.context = context;
  }

  /** Writes the fields of the line of `row` into the open row; or returns why the line is not of this format. */
  scan(format: Format, line: Uint8Array): string | undefined {
    let scan = this.#scanners.get(format);
    if (!scan) this.#scanners.set(format, (scan = openWrapped(format, this.#batch, this.context)));
    this.#batch.reserve(1);
    const reason = scan(line, 0, endWithoutCr(line));
    if (reason !== undefined) this.#batch.rollback();
    return reason;
  }

  /** Adds a row with the event of `row` as it is read now; or returns why it is left, and adds none. */
  read(row: number, { formats, before, isKept, message }: Reading): Left | undefined {
    const batch = this.#batch;
    const line = message ?? batch.lines.bytes(row);
    let left: Left = LEFT.unreadable;
    for (const format of formats) {
      if (format !== before && this.#wouldBeCut(format, line)) {
        left = LEFT.severalLines;
        continue;
      }
      if (this.scan(format, line) !== undefined) continue;
      const added = batch.rows;
      keepFields(batch, { from: row, to: added }, isKept);
      const datasets = batch.text("data_stream.dataset");
      if (datasets.ids[added] === 0) datasets.putText(added, format.dataset);
      batch.lines.put(added, line, 0, line.length);
      batch.commit();
      return undefined;
    }
    return left;
  }

  #wouldBeCut(format: Format, line: Uint8Array): boolean {
    return !format.begins && line.includes(LF) && hasSeveralLines(line, this.context);
  }
}

type RowPair = { from: number; to: number };

/** Copies the fields that are kept, as far as the other row lacks them. */
function keepFields(batch: Batch, rows: RowPair, isKept: (field: string) => boolean): void {
  const isCopied = (name: string): boolean =>
    OF_EVENT.has(name) || (!NEVER_KEPT.has(name) && isKept(name));
  for (const [name, column] of batch.textColumns()) {
    if (column.ids[rows.from] === 0) continue;
    if (name === EXTRA_FIELD) keepExtras(column, rows, isCopied);
    else if (column.ids[rows.to] === 0 && isCopied(name))
      column.ids[rows.to] = column.ids[rows.from] ?? 0;
  }
  for (const [name, { values }] of batch.numberColumns()) {
    if (Number.isNaN(values[rows.to]) && isCopied(name))
      values[rows.to] = values[rows.from] ?? Number.NaN;
  }
}

/** Adds the fields without a column that are kept; those of the row take precedence. */
function keepExtras(
  column: TextColumn,
  { from, to }: RowPair,
  isKept: (field: string) => boolean,
): void {
  const own = column.ids[to] ?? 0;
  const stored = Object.entries(extrasIn(column.text(column.ids[from] ?? 0)));
  const kept = Object.fromEntries(stored.filter(([name]) => isKept(name)));
  const all = { ...kept, ...(own === 0 ? {} : extrasIn(column.text(own))) };
  if (Object.keys(all).length > 0) column.putText(to, JSON.stringify(all));
}

function extrasIn(text: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}

/** The names of the fields that a row has. */
export function fieldNamesIn(batch: Batch, row: number): Set<string> {
  const names = new Set<string>();
  for (const [name, column] of batch.textColumns()) {
    const id = column.ids[row] ?? 0;
    if (id === 0) continue;
    if (name !== EXTRA_FIELD) names.add(name);
    else for (const extra of Object.keys(extrasIn(column.text(id)))) names.add(extra);
  }
  for (const [name, { values }] of batch.numberColumns()) {
    if (!Number.isNaN(values[row])) names.add(name);
  }
  return names;
}

/** Whether two rows have the same fields and the same line. */
export function areSame(batch: Batch, a: number, b: number): boolean {
  const areNumbersSame = [...batch.numberColumns().values()].every(({ values }) =>
    Object.is(values[a], values[b]),
  );
  if (!areNumbersSame) return false;
  const areTextsSame = [...batch.textColumns()].every(
    ([name, column]) =>
      name === "event.original" ||
      areSameTexts(name, column, [column.ids[a] ?? 0, column.ids[b] ?? 0]),
  );
  return areTextsSame && Buffer.compare(batch.lines.bytes(a), batch.lines.bytes(b)) === 0;
}

function areSameTexts(name: string, column: TextColumn, [a, b]: [number, number]): boolean {
  if (a === b) return true;
  if (a === 0 || b === 0) return false;
  const [first, second] = [column.text(a), column.text(b)];
  if (first === second) return true;
  // The order of names in JSON has no meaning.
  return name === EXTRA_FIELD && isDeepStrictEqual(extrasIn(first), extrasIn(second));
}
