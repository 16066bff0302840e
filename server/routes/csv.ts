/** The start of a cell that spreadsheets would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/;
/** Cells with these characters are quoted (RFC 4180). */
const SPECIAL = /[",\r\n]/;

/** A line of CSV with its line end. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(csvCell).join(",")}\r\n`;
}

/**
 * Text that a spreadsheet would run as a formula gets an apostrophe in front, because the text of logs comes from
 * strangers; numbers stay numbers.
 */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return SPECIAL.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
