/**
 * Packed documents: what the documents of a shipper have in common is written once, in the header of their record. The record begins
 * with their messages, without the escapes of JSON, and a line end after each; then it has the members of each document in a line:
 * their codes in their order, and for each code `T` and `O` a TAB and the value. The documents of a record differ in message, time,
 * offset and order only. A document is packed only if it is given back byte for byte.
 */
export type Packed = {
  /** The text of each part, a JSON member, by its code. */
  parts: Readonly<Record<string, string>>;
  /** Of the messages, with their line ends. */
  messageBytes: number;
};

/** The codes of members that are no parts: `"@timestamp"`, `"message"`, and `"offset"` in `"log"`. */
const TIME_CODE = "T";
const MESSAGE_CODE = "M";
const OFFSET_CODE = "O";
/** The members between these are in `"log"`. */
const LOG_CODE = "L";
const LOG_END_CODE = "E";
const OWN_CODES = `${TIME_CODE}${MESSAGE_CODE}${OFFSET_CODE}${LOG_CODE}${LOG_END_CODE}`;

/** The codes of parts: the printable characters of ASCII that are none of the others. */
export const PART_CODES = Array.from({ length: 94 }, (_, n) => String.fromCharCode(0x21 + n))
  .filter((code) => !OWN_CODES.includes(code))
  .join("");

const LF = 0x0a;

/** The document with these members; undefined if they are not those of a document. */
export function unpacked(
  { parts }: Pick<Packed, "parts">,
  { members, message }: { members: string; message: string },
): string | undefined {
  let text = "{";
  let isFirst = true;
  const [codes = "", ...values] = members.split("\t");
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
      const part = parts[code];
      if (part === undefined) return undefined;
      text += part;
    }
  }
  return `${text}}`;
}

/** The members of the documents of a record, each of which may be read after those before it. */
export class MemberLines {
  readonly #bytes: Buffer;
  #next = 0;
  #start: number;

  constructor({ messageBytes }: Packed, bytes: Buffer) {
    this.#bytes = bytes;
    this.#start = messageBytes;
  }

  /** The members of the document with this number, from 0 on. */
  at(number: number): string {
    for (; this.#next < number; this.#next += 1) this.#start = this.#end() + 1;
    return this.#bytes.toString("latin1", this.#start, this.#end());
  }

  #end(): number {
    const end = this.#bytes.indexOf(LF, this.#start);
    return end < 0 ? this.#bytes.length : end;
  }
}

/** The documents of a record, each with a line end. */
export function* unpackedLines(packed: Packed, bytes: Buffer): Generator<Buffer> {
  const members = new MemberLines(packed, bytes);
  for (let start = 0, n = 0; start < packed.messageBytes; n += 1) {
    const end = bytes.indexOf(LF, start);
    if (end < 0) return;
    const message = bytes.toString("latin1", start, end);
    yield Buffer.from(`${unpacked(packed, { members: members.at(n), message }) ?? message}\n`);
    start = end + 1;
  }
}

/** The last document of a record, with a line end. */
export function lastUnpacked(packed: Packed, bytes: Buffer): Buffer {
  const { messageBytes } = packed;
  const messageStart = bytes.lastIndexOf(LF, messageBytes - 2) + 1;
  const membersStart = bytes.lastIndexOf(LF, -2) + 1;
  return Buffer.concat([
    ...unpackedLines(
      { parts: packed.parts, messageBytes: messageBytes - messageStart },
      Buffer.concat([bytes.subarray(messageStart, messageBytes), bytes.subarray(membersStart)]),
    ),
  ]);
}
