/** A stream whose key has begun. */
type Open = { linesLeft: number };

const BEGIN = Buffer.from("-----BEGIN ");
const OPENING = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?![\s\S]*-----END )/;
const CLOSING = /-----END [A-Z0-9 ]{0,30}PRIVATE KEY/;
/** What a line of a key consists of, wherever an envelope ends: 64 characters, except in the last line. */
const PART = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{4,}={0,2}(?![A-Za-z0-9+/=])/g;
const PART_CHARS_MIN = 40;
/** The last line of a key: the only word of a line, or the last one, as no sentence ends. */
const LAST = /(?:^|[\s"':|])([A-Za-z0-9+/]{4,}={0,2})(?:\\r|\\n|["'}\]\s])*$/;
/** With its padding, which is not the equals sign after a name. */
const PADDED = /(?:^|[\s":])([A-Za-z0-9+/]{2,}={1,2})(?=$|[\s\\]|"[,}\]])/;
/** The same in a line of JSON that a container runtime wrote. */
const IN_JSON = /"([A-Za-z0-9+/]{4,}={0,2})(?:\\[rn])+"/;
const LINE_CHARS_MAX = 4096;
/** Larger than the lines of any key, with some of others between them. */
const LINES_MAX = 500;
const STREAMS_MAX = 1024;

/**
 * The private keys in PEM whose lines are read one by one, as events of their own: after a line in which a key begins without its
 * end, the lines of the stream that consist of base64 belong to it.
 */
export class OpenKeys {
  readonly #open = new Map<string, Open>();

  /** Whether no key is open, as nearly always. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Notes whether a key begins in the line and does not end there. */
  note(stream: string, line: Uint8Array): void {
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
    const from = bytes.lastIndexOf(BEGIN);
    if (from < 0 || !OPENING.test(bytes.toString("latin1", from))) return;
    if (this.#open.size >= STREAMS_MAX) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    this.#open.set(stream, { linesLeft: LINES_MAX });
  }

  /** The texts in the next line of the stream that belong to its key; none if no key is open. */
  partsOf(stream: string, line: Uint8Array): string[] {
    const open = this.#open.get(stream);
    if (!open) return [];
    open.linesLeft -= 1;
    const length = Math.min(line.length, LINE_CHARS_MAX);
    const text = Buffer.from(line.buffer, line.byteOffset, length).toString("latin1");
    if (open.linesLeft <= 0 || CLOSING.test(text)) this.#open.delete(stream);
    const parts = [...text.matchAll(PART)].map(([part]) => part);
    const long = parts.filter((part) => part.length >= PART_CHARS_MIN);
    if (long.length > 0) return long;
    const padded = PADDED.exec(text)?.[1] ?? IN_JSON.exec(text)?.[1];
    if (padded !== undefined) return [padded];
    const last = LAST.exec(text)?.[1];
    return last !== undefined && isLastPart(last, text) ? [last] : [];
  }
}

/** Whether the word is no word of a language: alone in its line, or with letters of both cases and digits. */
const isLastPart = (part: string, line: string): boolean =>
  line.trim() === part || (/\d/.test(part) && /[a-z]/.test(part) && /[A-Z]/.test(part));

/** The text without these parts. */
export function withoutParts(
  text: string,
  parts: readonly string[],
  replacement: string,
): string | undefined {
  if (!parts.some((part) => text.includes(part))) return undefined;
  return parts.reduce((rest, part) => rest.replaceAll(part, replacement), text);
}
