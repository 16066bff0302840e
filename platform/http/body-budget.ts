import type { IncomingMessage } from "node:http";

import { AppError } from "../errors.ts";

const BYTES_MAX = 128 * 1024 * 1024;
/** This part of the budget is for small bodies, so that large ones cannot keep them out. */
const SMALL_SHARE = 1 / 4;
const SMALL_BYTES_MAX = 1024 * 1024;
/** A body is slow if this much of it did not arrive within this time. */
const BLOCK_BYTES = 64 * 1024;
const SLOW_MS = 5_000;
const RETRY_MS = 1_000;

type Held = {
  bytes: number;
  /** Ends reading; undefined when the body is complete. */
  end: ((reason: AppError) => void) | undefined;
  /** When the last complete block had arrived, and what had arrived then. */
  block: { sinceMs: number; bytes: number };
};

/**
 * The memory of request bodies: those that are read, and those whose requests have no response yet, together. If a body does
 * not fit, those that arrive slowly are ended; if that is not enough, the body itself is refused, so that others go on.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  readonly #nowMs: () => number;
  readonly #held = new Map<IncomingMessage, Held>();
  #bytes = 0;

  constructor(bytesMax: number, nowMs: () => number = () => performance.now()) {
    this.#bytesMax = bytesMax;
    this.#nowMs = nowMs;
  }

  /** To be called before a body is read. `end`: called with the reason if it has to make room for others. */
  begin(incoming: IncomingMessage, end: (reason: AppError) => void): void {
    const held = this.#held.get(incoming);
    const block = { sinceMs: this.#nowMs(), bytes: 0 };
    if (held) Object.assign(held, { end, block });
    else this.#held.set(incoming, { bytes: 0, end, block });
  }

  /** Counts bytes that were read or unpacked. @throws AppError unavailable if there is no memory for them */
  add(incoming: IncomingMessage, bytes: number): void {
    const held = this.#held.get(incoming);
    // Its response was sent already.
    if (!held) return;
    const total = held.bytes + bytes;
    const max = this.#bytesMax * (total > SMALL_BYTES_MAX ? 1 - SMALL_SHARE : 1);
    if (this.#bytes + bytes > max) this.#endSlow(incoming);
    if (this.#bytes + bytes > max) {
      this.release(incoming);
      const message = "Too many large requests arrive at once: send this one again later.";
      throw new AppError("unavailable", message, { waitMs: RETRY_MS });
    }
    held.bytes = total;
    this.#bytes += bytes;
    if (total - held.block.bytes < BLOCK_BYTES) return;
    held.block = { sinceMs: this.#nowMs(), bytes: total };
  }

  /** The body was read: it is no longer slow. */
  complete(incoming: IncomingMessage): void {
    const held = this.#held.get(incoming);
    if (held) held.end = undefined;
  }

  holds(incoming: IncomingMessage): boolean {
    return this.#held.has(incoming);
  }

  /** The memory of the body is free again. */
  release(incoming: IncomingMessage): void {
    this.#bytes -= this.#held.get(incoming)?.bytes ?? 0;
    this.#held.delete(incoming);
  }

  #endSlow(except: IncomingMessage): void {
    const slowMs = this.#nowMs() - SLOW_MS;
    for (const [incoming, { end, block }] of this.#held) {
      if (!end || incoming === except || block.sinceMs > slowMs) continue;
      this.release(incoming);
      const message = `The body arrives too slowly while memory is short: send at least ${BLOCK_BYTES} bytes in ${SLOW_MS / 1_000} seconds, or try again later.`;
      end(new AppError("unavailable", message, { waitMs: RETRY_MS }));
    }
  }
}

/** That of this process, as its memory is one. */
export const bodyBudget = new BodyBudget(BYTES_MAX);
