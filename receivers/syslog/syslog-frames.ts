import { DelimitedBlocks } from "../framing/delimited-blocks.ts";
import { CountedFrames, type CountedState } from "./counted-frames.ts";

const LF = 0x0a;
const LINE_END = Buffer.of(LF);
const isDigit = (byte: number): boolean => byte > 0x30 && byte <= 0x39;

/** What was cut off a stream. */
export type Frames = {
  /** Whole lines with their line ends; each is a message. */
  lines: Buffer[];
  /** Messages with line ends in them. */
  multiline: Buffer[];
};

type State = { isCounted?: boolean; isSkipping: boolean; counted: CountedState };

/**
 * Cuts a stream of syslog messages (RFC 6587) into messages: by octet counting if it begins with a digit, otherwise by
 * line ends. A stream whose count is wrong continues with line ends.
 */
export class SyslogFrames {
  readonly #lines: DelimitedBlocks;
  readonly #counted: CountedFrames;
  #isCounted: boolean | undefined;

  /** `state`: of another one that it continues. */
  constructor(frameBytesMax: number, state = "") {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the getter below
    const before = state === "" ? undefined : (JSON.parse(state) as State);
    this.#isCounted = before?.isCounted;
    this.#lines = new DelimitedBlocks(LF, frameBytesMax, before?.isSkipping);
    this.#counted = new CountedFrames(frameBytesMax, before?.counted);
  }

  /** With it and the bytes that are held, another one continues. */
  get state(): string {
    const isCounted = this.#isCounted;
    if (isCounted === undefined) return "";
    const { isSkipping } = this.#lines;
    const state: State = { isCounted, isSkipping, counted: this.#counted.state };
    return JSON.stringify(state);
  }

  get heldBytes(): number {
    return this.#lines.heldBytes + this.#counted.heldBytes;
  }

  /** Bytes of overlong messages that were skipped. */
  get skippedBytes(): number {
    return this.#lines.skippedBytes + this.#counted.skippedBytes;
  }

  push(bytes: Buffer): Frames {
    this.#isCounted ??= isDigit(bytes[0] ?? 0);
    if (!this.#isCounted) return { lines: this.#pushLines(bytes), multiline: [] };
    const frames: Buffer[] = [];
    const rest = this.#counted.push(bytes, frames);
    const found = framesOf(frames);
    if (rest) {
      this.#isCounted = false;
      found.lines.push(...this.#pushLines(rest));
    }
    return found;
  }

  /** The C library ends messages with a zero byte on stream sockets. */
  #pushLines(bytes: Buffer): Buffer[] {
    const hasZeros = bytes.includes(0);
    return this.#lines.push(hasZeros ? Buffer.from(bytes.map((it) => it || LF)) : bytes);
  }

  /** What is left at the end of the stream. */
  end(): Frames {
    const { lines, multiline } = framesOf(this.#counted.end());
    return { lines: [...lines, ...this.#lines.end()], multiline };
  }
}

/** Messages, with or without a line end after them, as lines where possible. */
export function framesOf(messages: readonly Buffer[]): Frames {
  const frames: Frames = { lines: [], multiline: [] };
  for (const message of messages) {
    const end = message.indexOf(LF);
    if (end < 0) frames.lines.push(message, LINE_END);
    else if (end === message.length - 1) frames.lines.push(message);
    else frames.multiline.push(message);
  }
  return frames;
}
