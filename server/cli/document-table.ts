import { printable } from "#platform/terminal.ts";

const VALUE_LENGTH_MAX = 400;
const LINE_BREAK = /[\t\n]/g;

/** A document as lines of `field  value` for a terminal, in field order, followed by an empty line. */
export function documentTable(document: Record<string, unknown>): string {
  const names = Object.keys(document).toSorted();
  const width = Math.max(...names.map((name) => name.length), 0);
  const rows = names.map((name) => `${safe(name).padEnd(width)}  ${safe(shown(document[name]))}`);
  return `${rows.join("\n")}\n\n`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > VALUE_LENGTH_MAX
    ? `${text.slice(0, VALUE_LENGTH_MAX)}… (${text.length} characters)`
    : text;
}

/** Escapes control characters and line breaks of log data. */
const safe = (text: string): string =>
  printable(text).replaceAll(LINE_BREAK, (character) => (character === "\n" ? "\\x0a" : "\\x09"));
