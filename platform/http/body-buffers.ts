const BUFFERS_MAX = 4;
const BUFFER_BYTES = 6 * 1024 * 1024;

/**
 * Memory for bodies that is used again. V8 marks its whole heap whenever 64 MB of new buffers outside of it were allocated, which
 * would take a third of the time in which bodies are received.
 */
export class BodyBuffers {
  readonly #free: Buffer[] = [];
  #used = 0;

  /** Memory for a body of this size; undefined if that is too large, or all of it is in use. */
  take(bytes: number): Buffer | undefined {
    if (bytes > BUFFER_BYTES || this.#used === BUFFERS_MAX) return undefined;
    this.#used += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** To be called once for memory that was taken. `isFree`: nothing refers to it any more, so that it can be used again. */
  end(buffer: Buffer, isFree: boolean): void {
    this.#used -= 1;
    if (isFree) this.#free.push(buffer);
  }
}
