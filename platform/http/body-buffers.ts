/**
 * Memory for bodies that is used again. V8 marks its whole heap whenever 64 MB of new buffers outside of it were allocated, which
 * would take a third of the time in which bodies are received.
 */
export class BodyBuffers {
  readonly #bytes: number;
  readonly #max: number;
  readonly #free: Buffer[];
  #used = 0;

  /** `buffers`, all of the same size, are what is used at first; one that is lost is replaced. */
  constructor(buffers: readonly Buffer[]) {
    this.#bytes = buffers[0]?.length ?? 0;
    this.#max = buffers.length;
    this.#free = [...buffers];
  }

  /** Memory for a body of this size; undefined if that is too large, or all of it is in use. */
  take(bytes: number): Buffer | undefined {
    if (!(bytes <= this.#bytes) || this.#used === this.#max) return undefined;
    this.#used += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** To be called once for memory that was taken. `isFree`: nothing refers to it any more, so that it can be used again. */
  end(buffer: Buffer, isFree: boolean): void {
    this.#used -= 1;
    if (isFree) this.#free.push(buffer);
  }
}
