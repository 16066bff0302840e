import { LengthFrames } from "../framing/length-frames.ts";

/**
 * Datagrams as the bytes of a connection: each is a frame (LengthFrames) with the address of its sender, after a byte with the
 * length of that, and the datagram.
 */
const LENGTH_BYTES = 4;

/** What precedes a datagram. */
export function frameOf(datagram: Buffer, sender: string): Buffer {
  const before = Buffer.allocUnsafe(LENGTH_BYTES + 1 + sender.length);
  before.writeUInt32BE(1 + sender.length + datagram.length, 0);
  before[LENGTH_BYTES] = sender.length;
  before.write(sender, LENGTH_BYTES + 1, "latin1");
  return before;
}

export type Framed = { sender: string; datagram: Buffer };

/** Cuts what `frameOf` and the datagrams make. */
export class DatagramFrames {
  readonly #frames = new LengthFrames();

  get heldBytes(): number {
    return this.#frames.heldBytes;
  }

  push(bytes: Buffer): Framed[] {
    return this.#frames.push(bytes).map((frame) => {
      const end = 1 + (frame[0] ?? 0);
      return { sender: frame.toString("latin1", 1, end), datagram: frame.subarray(end) };
    });
  }
}

/** Bytes of the frame of a datagram. */
export const frameBytesOf = ({ sender, datagram }: Framed): number =>
  LENGTH_BYTES + 1 + sender.length + datagram.length;
