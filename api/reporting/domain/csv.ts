import type { Cell, Column } from "./report.ts";

/**
 * Rows as CSV (RFC 4180: CRLF, doubled quotes, a header line). Text that a spreadsheet might read as a formula is
 * prefixed with an apostrophe (OWASP, CSV injection), also after leading blanks or control characters. Every text is
 * quoted, because spreadsheets of other locales split at other separators. Numbers are written unchanged: their
 * columns hold nothing else.
 */
export function csvOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const header = columns.map(({ name }) => quoted(name)).join(",");
  const lines = rows.map((row) =>
    row.map((cell, index) => csvCell(columns[index]?.type ?? "text", cell)).join(","),
  );
  return [header, ...lines, ""].join("\r\n");
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/;

function csvCell(type: Column["type"], cell: Cell): string {
  if (cell === null) return "";
  const plain = String(cell);
  if ((type === "integer" || type === "decimal") && NUMBER.test(plain)) return plain;
  if ((type === "date" || type === "time") && DATE.test(plain)) return plain;
  return quoted(plain);
}

/**
 * Characters that start a formula, also in full width, after blanks and control characters, and at the start of a
 * later part, where a program that splits at semicolons, tabs, line ends or stray quotes would begin a new cell.
 */
const FORMULA = /(?<=^|[;,\t\r\n|"'])(?=[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠])/gu;
const LEADING_CONTROL = /^[\t\r\n]/;

function quoted(text: string): string {
  const safe = text.replaceAll(FORMULA, "'");
  const shown = LEADING_CONTROL.test(safe) ? `'${safe}` : safe;
  return `"${shown.replaceAll('"', '""')}"`;
}
