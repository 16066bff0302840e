/** The answer to the question for an original line. An event that was just pushed to the page may not be stored yet. */
export type StoredLine =
  | { kind: "bytes"; bytes: Uint8Array }
  | { kind: "none" }
  | { kind: "failed"; message: string };

type ShownLine = {
  /** Undefined if there is no line. */
  text: string | undefined;
  /** Whether the text has escapes for bytes that are not UTF-8. */
  isEscaped: boolean;
  /** The `event.original` that the sender set, if it is something else. */
  sent?: string;
};

/** What is shown of a line; `field` is the event's `event.original`. */
export function lineOf(stored: StoredLine, field: string | undefined): ShownLine {
  if (stored.kind !== "bytes") return { text: field, isEscaped: false };
  const text = textOf(stored.bytes);
  if (text === undefined) return { text: field, isEscaped: true };
  const isSent = field !== undefined && field !== text;
  return { text, isEscaped: false, ...(isSent && { sent: field }) };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
