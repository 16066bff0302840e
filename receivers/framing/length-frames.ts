import { GrowingBuffer } from "./growing-buffer.ts";

const LENGTH_BYTES = 4;

/** Cuts a stream of frames that each begin with their length in four bytes (big endian). */
export class LengthFrames {
  readonly #held = new GrowingBuffer();

  /** Bytes of the frame that is not complete. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** The frames that are complete with these bytes, as parts of them where possible. */
  push(bytes: Buffer): Buffer[] {
    let all = bytes;
    if (this.#held.length > 0) {
      this.#held.append(bytes);
      all = this.#held.take();
    }
    const frames: Buffer[] = [];
    let at = 0;
    while (at + LENGTH_BYTES <= all.length) {
      const end = at + LENGTH_BYTES + all.readUInt32BE(at);
      if (end > all.length) break;
      frames.push(all.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    if (at < all.length) this.#held.append(all.subarray(at));
    return frames;
  }
}
