import { GrowingBuffer } from "../framing/growing-buffer.ts";
import type { Decoded, StreamDecoder } from "../sockets/decoder.ts";
import { type Frames, framesOf } from "../syslog/syslog-frames.ts";

const LF = 0x0a;
const SPACE = 0x20;
const LINE_END_BYTES = 1;
/** `TXNR SP COMMAND SP DATALEN`, with 9, 32 and 9 characters at most. */
const HEADER_BYTES_MAX = 9 + 1 + 32 + 1 + 9;
const HEADER = /^(\d{1,9}) ([a-z]{1,32}) (\d{1,9})$/;
const OPENED = "200 OK\nrelp_version=0\nrelp_software=quarterdeck\ncommands=syslog";
const KEPT = "200 OK";
const UNKNOWN = "500 this command is not supported";
const NO_RELP = "what arrives is not the protocol RELP";

type Header = { transaction: string; command: string; dataStart: number; dataBytes: number };

/**
 * RELP over a connection (the protocol of rsyslog's omrelp): frames `TXNR COMMAND DATALEN[ DATA]`, each with a line end after
 * it. The answer to a message is to be sent when the message is kept. Of a longer message than
 * `messageBytesMax` the beginning is kept. `decode` makes events of the messages.
 */
export function relpStream(
  messageBytesMax: number,
  decode: (frames: Frames) => Decoded,
  state = "",
): StreamDecoder {
  const frames = new RelpFrames(messageBytesMax, state);
  return {
    push(bytes) {
      const messages: Buffer[] = [];
      const reply = frames.push(bytes, messages);
      return { ...decode(framesOf(messages)), reply };
    },
    // A message without its end was not answered, and is sent again.
    end: () => ({ lines: [], documents: [] }),
    get heldBytes() {
      return frames.heldBytes;
    },
    get state() {
      return frames.state;
    },
    get skippedBytes() {
      return frames.skippedBytes;
    },
    get failure() {
      return frames.failure;
    },
  };
}

type Skipping = { transaction: string; left: number };

class RelpFrames {
  readonly #messageBytesMax: number;
  readonly #held = new GrowingBuffer();
  /** Bytes of the frame that is held, once its header is known. */
  #frameBytes = 0;
  /** The overlong message whose rest is skipped, and the bytes up to its line end. */
  #skipping: Skipping | undefined;
  skippedBytes = 0;
  failure: string | undefined;

  constructor(messageBytesMax: number, state: string) {
    this.#messageBytesMax = messageBytesMax;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the getter below
    if (state !== "") this.#skipping = JSON.parse(state) as Skipping;
  }

  /** With it and the bytes that are held, another one continues. */
  get state(): string {
    return this.#skipping ? JSON.stringify(this.#skipping) : "";
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  /** Adds the complete messages to `messages`, and returns the answers. */
  push(part: Buffer, messages: Buffer[]): string {
    let bytes = part;
    if (this.#held.length > 0) {
      this.#held.append(part);
      if (this.#held.length < this.#frameBytes) return "";
      bytes = this.#held.take();
    }
    this.#frameBytes = 0;
    let reply = "";
    for (let at = 0; at < bytes.length && this.failure === undefined;) {
      if (this.#skipping) {
        at += this.#skip(bytes.length - at);
        if (at < bytes.length) reply += this.#endSkipping(bytes[at++]);
        continue;
      }
      const header = this.#readHeader(bytes, at);
      if (!header) break;
      const { transaction, command, dataStart, dataBytes } = header;
      const end = dataStart + Math.min(dataBytes, this.#messageBytesMax);
      if (end >= bytes.length) {
        this.#hold(bytes.subarray(at), end + LINE_END_BYTES - at);
        break;
      }
      if (command === "syslog") messages.push(bytes.subarray(dataStart, end));
      at = end;
      if (dataBytes > this.#messageBytesMax) {
        this.#skipping = { transaction, left: dataBytes - this.#messageBytesMax };
      } else if (bytes[at++] === LF) reply += answerTo(transaction, command);
      else this.failure = NO_RELP;
    }
    return reply;
  }

  #hold(beginning: Buffer, frameBytes: number): void {
    this.#held.append(beginning);
    this.#frameBytes = frameBytes;
  }

  #skip(available: number): number {
    if (!this.#skipping) return 0;
    const skipped = Math.min(this.#skipping.left, available);
    this.#skipping.left -= skipped;
    this.skippedBytes += skipped;
    return skipped;
  }

  #endSkipping(byte: number | undefined): string {
    const transaction = this.#skipping?.transaction ?? "";
    this.#skipping = undefined;
    if (byte === LF) return answerOf(transaction, KEPT);
    this.failure = NO_RELP;
    return "";
  }

  /** Undefined if it is not complete, which is held then, or if there is a failure. */
  #readHeader(bytes: Buffer, at: number): Header | undefined {
    const most = bytes.subarray(at, at + HEADER_BYTES_MAX + 1);
    const end = endOfHeader(most);
    if (end < 0 && most.length <= HEADER_BYTES_MAX) {
      this.#held.append(most);
      return undefined;
    }
    const text = most.toString("latin1", 0, Math.max(end, 0));
    const [, transaction, command, length] = HEADER.exec(text) ?? [];
    if (transaction === undefined || command === undefined) {
      this.failure = NO_RELP;
      return undefined;
    }
    const dataBytes = Number(length);
    // Without data there is no space before the line end.
    const dataStart = at + end + (most[end] === SPACE ? 1 : 0);
    return { transaction, command, dataStart, dataBytes };
  }
}

/** The index of the third space, or of a line end before it; -1 if there is none yet. */
function endOfHeader(bytes: Buffer): number {
  let spaces = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === LF) return at;
    if (bytes[at] === SPACE) spaces += 1;
    if (spaces === 3) return at;
  }
  return -1;
}

function answerTo(transaction: string, command: string): string {
  if (command === "syslog") return answerOf(transaction, KEPT);
  if (command === "open") return answerOf(transaction, OPENED);
  if (command === "close") return `${answerOf(transaction, "")}0 serverclose 0\n`;
  return answerOf(transaction, UNKNOWN);
}

const answerOf = (transaction: string, text: string): string =>
  `${transaction} rsp ${text === "" ? "0" : `${text.length} ${text}`}\n`;
