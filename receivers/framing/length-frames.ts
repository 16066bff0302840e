import { GrowingBuffer } from "./growing-buffer.ts";

const LENGTH_BYTES = 4;

/** Cuts a stream of frames that each begin with their length in four bytes (big endian). */
export class LengthFrames {
  readonly #held = new GrowingBuffer();

  /** The frames that are complete with these bytes. */
  push(bytes: Buffer): Buffer[] {
    this.#held.append(bytes);
    const all = this.#held.take();
    const frames: Buffer[] = [];
    let at = 0;
    while (at + LENGTH_BYTES <= all.length) {
      const end = at + LENGTH_BYTES + all.readUInt32BE(at);
      if (end > all.length) break;
      frames.push(all.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#held.append(all.subarray(at));
    return frames;
  }
}
