import { GrowingBuffer } from "../framing/growing-buffer.ts";

const LF = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
/** A count of more digits is no count. */
const COUNT_MAX = 9_999_999_999;

/** What is read next: the rest of a count, of a frame, or of bytes to skip. */
export type CountedState = { count: number; frameBytes?: number | undefined; toSkip: number };

const BEGINNING: CountedState = { count: -1, toSkip: 0 };

/** Cuts a stream with octet counting (RFC 6587, `43 <34>1 …`) into frames. */
export class CountedFrames {
  readonly #frameBytesMax: number;
  readonly #held = new GrowingBuffer();
  /** The count that is read: -1 before its first digit. */
  #count: number;
  /** Length of the frame that is read; undefined while its count is read. */
  #frameBytes: number | undefined;
  #toSkip: number;
  /** Bytes of frames beyond the limit that were skipped. Their beginning was returned as a frame. */
  skippedBytes = 0;

  constructor(frameBytesMax: number, { count, frameBytes, toSkip } = BEGINNING) {
    this.#frameBytesMax = frameBytesMax;
    this.#count = count;
    this.#frameBytes = frameBytes;
    this.#toSkip = toSkip;
  }

  /** With it and the bytes that are held, another one continues. */
  get state(): CountedState {
    return { count: this.#count, frameBytes: this.#frameBytes, toSkip: this.#toSkip };
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * Adds the complete frames to `frames`, as parts of `bytes` where possible. Returns the bytes from the first count on
   * that is none: the stream cannot be read with octet counting any further.
   */
  push(bytes: Buffer, frames: Buffer[]): Buffer | undefined {
    for (let at = 0; at < bytes.length;) {
      if (this.#toSkip > 0) at += this.#skip(bytes.length - at);
      else if (this.#frameBytes !== undefined) at += this.#read(bytes.subarray(at), frames);
      else if (this.#readCount(bytes[at] ?? 0)) at += 1;
      else return Buffer.concat([Buffer.from(this.#takeCount()), bytes.subarray(at)]);
    }
    return undefined;
  }

  /** The part of a frame that there is at the end of the stream. */
  end(): Buffer[] {
    this.#frameBytes = undefined;
    return this.#held.length > 0 ? [this.#held.take()] : [];
  }

  #readCount(byte: number): boolean {
    // Some senders end frames with a line end that they do not count.
    if (byte === LF && this.#count < 0) return true;
    if (byte === SPACE && this.#count > 0) {
      this.#frameBytes = this.#count;
      this.#count = -1;
      return true;
    }
    const digit = byte - ZERO;
    const count = Math.max(this.#count, 0) * 10 + digit;
    if (digit < 0 || digit > 9 || count === 0 || count > COUNT_MAX) return false;
    this.#count = count;
    return true;
  }

  #takeCount(): string {
    const digits = this.#count < 0 ? "" : String(this.#count);
    this.#count = -1;
    return digits;
  }

  #skip(available: number): number {
    const skipped = Math.min(this.#toSkip, available);
    this.#toSkip -= skipped;
    this.skippedBytes += skipped;
    return skipped;
  }

  /** Reads from the bytes of a frame, and returns how many. */
  #read(bytes: Buffer, frames: Buffer[]): number {
    const frameBytes = this.#frameBytes ?? 0;
    const kept = Math.min(frameBytes, this.#frameBytesMax);
    const read = Math.min(kept - this.#held.length, bytes.length);
    const part = bytes.subarray(0, read);
    if (this.#held.length + read < kept) this.#held.append(part);
    else {
      if (this.#held.length > 0) this.#held.append(part);
      frames.push(this.#held.length > 0 ? this.#held.take() : part);
      this.#toSkip = frameBytes - kept;
      this.#frameBytes = undefined;
    }
    return read;
  }
}
