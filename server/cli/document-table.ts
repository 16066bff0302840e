const VALUE_LENGTH_MAX = 400;
/** Control characters would let a log line steer the terminal that shows it. */
const CONTROL = /\p{Cc}/gu;

/** A document as lines of `field  value` for a terminal, in the fields' order, with an empty line behind. */
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

function safe(text: string): string {
  return text.replaceAll(CONTROL, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, "0");
    return `\\x${code.toUpperCase()}`;
  });
}
