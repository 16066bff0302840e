/**
 * Packed documents: what the documents of a shipper have in common is written once, in the header of their record (`parts`), and
 * each line has what differs. A document is packed only if it is given back byte for byte.
 *
 * A line is a TAB, the codes of the members of the document in their order, a TAB, the values of the codes `T` and `O`, each
 * with a TAB after it, and the message without the escapes of JSON. A line that does not begin with a TAB is a document.
 */
export const TAB = 0x09;

/** The code of each part, in their order. */
export const PART_CODES = "0123456789abcdefghijklmnopqrstuvwxyz";
/** The codes of members that are no parts: `"@timestamp"`, `"message"`, and `"offset"` in `"log"`. */
export const TIME_CODE = "T";
const MESSAGE_CODE = "M";
export const OFFSET_CODE = "O";
/** The members between these are in `"log"`. */
const LOG_CODE = "L";
const LOG_END_CODE = "E";

/** A packed document, whose message is at [messageStart, end) of the bytes. */
export type PackedLine = { codes: string; values: string; messageStart: number };

/** The parts of the packed line in [start, end); undefined if it is not one. */
export function packedLine(bytes: Buffer, start: number, end: number): PackedLine | undefined {
  if (bytes[start] !== TAB) return undefined;
  const codesEnd = bytes.indexOf(TAB, start + 1);
  if (codesEnd < 0 || codesEnd >= end) return undefined;
  const codes = bytes.toString("latin1", start + 1, codesEnd);
  let at = codesEnd + 1;
  for (const code of codes) {
    if (code !== TIME_CODE && code !== OFFSET_CODE) continue;
    at = bytes.indexOf(TAB, at) + 1;
    if (at === 0 || at > end) return undefined;
  }
  return { codes, values: bytes.toString("latin1", codesEnd + 1, at), messageStart: at };
}

/** The document with these codes; undefined if they are not those of a document. */
export function unpacked(
  parts: readonly string[],
  codes: string,
  { values, message }: { values: readonly string[]; message: string },
): string | undefined {
  let text = "{";
  let isFirst = true;
  const rest = values.values();
  for (const code of codes) {
    if (code === LOG_END_CODE) {
      text += "}";
      isFirst = false;
      continue;
    }
    if (!isFirst) text += ",";
    isFirst = code === LOG_CODE;
    if (code === LOG_CODE) text += '"log":{';
    else if (code === MESSAGE_CODE) text += `"message":"${message.replaceAll(/["\\]/g, "\\$&")}"`;
    else if (code === TIME_CODE) text += `"@timestamp":${rest.next().value ?? ""}`;
    else if (code === OFFSET_CODE) text += `"offset":${rest.next().value ?? ""}`;
    else {
      const part = parts[PART_CODES.indexOf(code)];
      if (part === undefined) return undefined;
      text += part;
    }
  }
  return `${text}}`;
}

/** The document of the packed line in [start, end); the line itself if it is not one. */
export function unpackedLine(
  parts: readonly string[],
  line: { bytes: Buffer; start: number; end: number },
): Buffer {
  const { bytes, start, end } = line;
  const packed = packedLine(bytes, start, end);
  const text =
    packed &&
    unpacked(parts, packed.codes, {
      values: packed.values.split("\t"),
      message: bytes.toString("latin1", packed.messageStart, end),
    });
  return text === undefined ? bytes.subarray(start, end) : Buffer.from(text);
}

const LF = 0x0a;

/** The lines of a record, each with its line end, as documents. */
export function* unpackedLines(parts: readonly string[], lines: Buffer): Generator<Buffer> {
  for (let start = 0; start < lines.length;) {
    const found = lines.indexOf(LF, start);
    const end = found < 0 ? lines.length : found;
    const next = found < 0 ? end : end + 1;
    if (lines[start] !== TAB) yield lines.subarray(start, next);
    else
      yield Buffer.concat([
        unpackedLine(parts, { bytes: lines, start, end }),
        lines.subarray(end, next),
      ]);
    start = next;
  }
}
