import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import { parseJsonLine } from "#collectors/formats/json-line.ts";

import { objectEnd, skipSpace } from "../framing/json-objects.ts";

/** Firehose takes records of 1,000 KiB; CloudWatch Logs compresses its own. */
const RECORD_BYTES_MAX = 32 * 1024 * 1024;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const QUOTE = 0x22;
const SPACE = 0x20;
const LF = Buffer.from("\n");
const HEAD_BYTES = 4096;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const MESSAGE = /^\{\s{0,8}"message"/;
/** CloudWatch Logs allows these characters in the name of a group. */
const LOG_GROUP = /"logGroup"\s{0,8}:\s{0,8}"([\w.\-/#]{1,512})"/;

/** The content of a record, or why there is none. */
type RecordContent = { content: Buffer } | { reason: string };

const unpack = promisify(gunzip);

/** Decodes the data of a record, which CloudWatch Logs and some programs compress with gzip. */
export async function recordContent(data: string): Promise<RecordContent> {
  if (!BASE64.test(data)) return { reason: "the data of a record is not base64" };
  const bytes = Buffer.from(data, "base64");
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { content: bytes };
  try {
    return { content: await unpack(bytes, { maxOutputLength: RECORD_BYTES_MAX }) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    const reason =
      code === "ERR_BUFFER_TOO_LARGE"
        ? `a record is larger than ${RECORD_BYTES_MAX} bytes when it is unpacked`
        : "a record is not valid gzip: it is damaged or incomplete";
    return { reason };
  }
}

/**
 * The lines of a record, with a line end after each. Each JSON object is a line, also if several ones follow each other
 * without line ends, as Firehose's sources write, or if one has line ends. Of `{"message":"…"}`, as flow logs of VPCs
 * are delivered, the line is the message. Takes time linear in the length of the record.
 */
export function recordLines(content: Buffer): Buffer {
  const parts: Uint8Array[] = [];
  let at = skipSpace(content, 0);
  while (beginsObject(content, at)) {
    const end = objectEnd(content, at);
    const object = content.subarray(at, end);
    parts.push(messageIn(object) ?? onOneLine(object), LF);
    at = skipSpace(content, end);
  }
  if (at < content.length) {
    parts.push(content.subarray(at));
    if (content.at(-1) !== LF[0]) parts.push(LF);
  }
  return Buffer.concat(parts);
}

function beginsObject(content: Uint8Array, at: number): boolean {
  if (content[at] !== OPEN_BRACE) return false;
  const first = content[skipSpace(content, at + 1)];
  return first === QUOTE || first === CLOSE_BRACE;
}

/** Line ends and other control characters are white space between the parts of JSON. */
function onOneLine(object: Buffer): Buffer {
  if (object.every((byte) => byte >= SPACE)) return object;
  return Buffer.from(object.map((byte) => (byte < SPACE ? SPACE : byte)));
}

function messageIn(object: Buffer): Buffer | undefined {
  if (!MESSAGE.test(object.toString("latin1", 0, 32))) return undefined;
  const parsed = parseJsonLine(object, 0, object.length);
  if ("reason" in parsed) return undefined;
  const { message, ...others } = parsed.object;
  const isAlone = typeof message === "string" && Object.keys(others).length === 0;
  return isAlone ? Buffer.from(message) : undefined;
}

/** The group of CloudWatch Logs that a record is from; empty for other records. */
export function logGroupIn(content: Buffer): string {
  const head = content.toString("latin1", 0, HEAD_BYTES);
  return head.includes('"messageType"') ? (LOG_GROUP.exec(head)?.[1] ?? "") : "";
}

/** Lines of a text with a line end after each. */
export function countLines(text: Uint8Array): number {
  let count = 0;
  for (let at = text.indexOf(0x0a); at >= 0; at = text.indexOf(0x0a, at + 1)) count += 1;
  return count;
}
