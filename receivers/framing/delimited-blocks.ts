import { GrowingBuffer } from "./growing-buffer.ts";

/**
 * Cuts a stream of frames that each end with a delimiter into blocks of complete frames. Of a frame of which more than
 * `heldBytesMax` would have to be held, the beginning becomes a frame and the rest is skipped.
 */
export class DelimitedBlocks {
  readonly #delimiter: number;
  readonly #heldBytesMax: number;
  readonly #held = new GrowingBuffer();
  #isSkipping: boolean;
  /** Bytes of overlong frames that were skipped. */
  skippedBytes = 0;

  /** `isSkipping`: it begins in the rest of a frame. */
  constructor(delimiter: number, heldBytesMax: number, isSkipping = false) {
    this.#delimiter = delimiter;
    this.#heldBytesMax = heldBytesMax;
    this.#isSkipping = isSkipping;
  }

  /** Whether the rest of a frame is skipped. */
  get isSkipping(): boolean {
    return this.#isSkipping;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  /** The complete frames with their delimiters; parts of `bytes`, where possible. */
  push(bytes: Buffer): Buffer[] {
    const blocks: Buffer[] = [];
    let start = 0;
    if (this.#isSkipping || this.#held.length > 0) {
      const end = bytes.indexOf(this.#delimiter);
      this.#hold(bytes.subarray(0, end < 0 ? bytes.length : end), blocks);
      if (end < 0) return blocks;
      if (!this.#isSkipping) blocks.push(this.#takeHeld());
      this.#isSkipping = false;
      start = end + 1;
    }
    const end = bytes.lastIndexOf(this.#delimiter) + 1;
    if (end > start) blocks.push(bytes.subarray(start, end));
    this.#hold(bytes.subarray(Math.max(start, end)), blocks);
    return blocks;
  }

  /** The last frame, if its delimiter is missing at the end of the stream. */
  end(): Buffer[] {
    this.#isSkipping = false;
    return this.#held.length > 0 ? [this.#takeHeld()] : [];
  }

  #hold(part: Buffer, blocks: Buffer[]): void {
    const room = this.#isSkipping ? 0 : this.#heldBytesMax - this.#held.length;
    this.#held.append(part.subarray(0, room));
    if (part.length <= room) return;
    this.skippedBytes += part.length - room;
    if (!this.#isSkipping) blocks.push(this.#takeHeld());
    this.#isSkipping = true;
  }

  #takeHeld(): Buffer {
    this.#held.append(Buffer.of(this.#delimiter));
    return this.#held.take();
  }
}
