import { frameOf } from "./datagram-frames.ts";
import type { HeldConnection } from "./socket-holder.ts";

export type DatagramBatchOptions = {
  held: Pick<HeldConnection, "hasRoom" | "add">;
  /** So that a flood of datagrams does not take all space from other senders. */
  bytesPerSecond: number;
  /** Called for datagrams that are dropped. */
  onDropped: (datagrams: number) => void;
};

/** A batch ends at this size, so that the memory of the connection is not exceeded by much. */
const BATCH_BYTES = 256 * 1024;

/** Gives datagrams to the holder, those that arrive together as one chunk, and drops those that exceed the limits. */
export class DatagramBatch {
  readonly #options: DatagramBatchOptions;
  #frames: Buffer[] = [];
  #bytes = 0;
  #allowedBytes: number;
  #allowedMs = performance.now();

  constructor(options: DatagramBatchOptions) {
    this.#options = options;
    this.#allowedBytes = options.bytesPerSecond;
  }

  add(datagram: Buffer, sender: string): void {
    const { held, onDropped } = this.#options;
    if (!held.hasRoom || !this.#isAllowed(datagram.length)) {
      onDropped(1);
      return;
    }
    if (this.#frames.length === 0) setImmediate(() => this.flush());
    const frame = frameOf(datagram, sender);
    this.#frames.push(frame, datagram);
    this.#bytes += frame.length + datagram.length;
    if (this.#bytes >= BATCH_BYTES) this.flush();
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    this.#options.held.add(Buffer.concat(this.#frames));
    this.#frames = [];
    this.#bytes = 0;
  }

  #isAllowed(bytes: number): boolean {
    const { bytesPerSecond } = this.#options;
    const nowMs = performance.now();
    const gained = ((nowMs - this.#allowedMs) / 1_000) * bytesPerSecond;
    this.#allowedMs = nowMs;
    this.#allowedBytes = Math.min(bytesPerSecond, this.#allowedBytes + gained);
    if (this.#allowedBytes < bytes) return false;
    this.#allowedBytes -= bytes;
    return true;
  }
}
