import type { DatagramDecoder, Decoded, Keep } from "./decoder.ts";
import { isEmpty } from "./decoder.ts";

export type DatagramQueueOptions = {
  decoder: DatagramDecoder;
  keep: Keep;
  nowMs: () => number;
  /** Called for datagrams that are dropped, because the senders cannot be told to wait. */
  onDropped: (datagrams: number) => void;
  /** Bytes of datagrams that wait while those before them are written. */
  bytesMax: number;
  /** Bytes in a second, so that a flood of datagrams does not take all space from other senders. */
  bytesPerSecond: number;
};

/** Each datagram costs memory beside its bytes. */
const DATAGRAM_BYTES = 200;

/** Keeps datagrams in the order of their arrival, many in one write; drops those that do not fit, and counts them. */
export class DatagramQueue {
  readonly #options: DatagramQueueOptions;
  #waiting = new Map<string, Buffer[]>();
  #waitingBytes = 0;
  #allowedBytes: number;
  #allowedMs = performance.now();
  #running: Promise<void> | undefined;

  constructor(options: DatagramQueueOptions) {
    this.#options = options;
    this.#allowedBytes = options.bytesPerSecond;
  }

  push(datagram: Buffer, sender: string): void {
    const { bytesMax, onDropped } = this.#options;
    const bytes = datagram.length + DATAGRAM_BYTES;
    if (this.#waitingBytes + bytes > bytesMax || !this.#isAllowed(datagram.length)) {
      onDropped(1);
      return;
    }
    this.#waitingBytes += bytes;
    const before = this.#waiting.get(sender);
    if (before) before.push(datagram);
    else this.#waiting.set(sender, [datagram]);
    this.#running ??= this.#run();
  }

  /** Resolves when everything that was pushed is kept, or dropped because the receiver is closed. */
  async drain(): Promise<void> {
    await this.#running;
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

  async #run(): Promise<void> {
    // Datagrams that arrive together are written together.
    await new Promise(setImmediate);
    while (this.#waiting.size > 0) {
      const taken = this.#waiting;
      this.#waiting = new Map();
      this.#waitingBytes = 0;
      await Promise.all([...taken].map(([sender, datagrams]) => this.#keep(datagrams, sender)));
    }
    this.#running = undefined;
  }

  async #keep(datagrams: readonly Buffer[], sender: string): Promise<void> {
    const { decoder, keep, nowMs, onDropped } = this.#options;
    const decoded: Decoded = { lines: [], documents: [] };
    for (const datagram of datagrams) {
      const { lines, documents } = decoder.push(datagram, sender, nowMs());
      decoded.lines.push(...lines);
      decoded.documents.push(...documents);
    }
    if (isEmpty(decoded)) return;
    await keep(decoded, sender).catch(() => onDropped(datagrams.length));
  }
}
