/** Smaller chunks are copied together, so that memory is used by bytes and not by chunks. */
const SMALL_BYTES = 1024;
const BLOCK_BYTES = 4 * SMALL_BYTES;

/** The bytes of a connection from the first one that is not acknowledged to the last one that was read. */
export class HeldBytes {
  #chunks: Buffer[] = [];
  /** Offset of the first chunk. */
  #start = 0;
  #end = 0;
  /** Free space behind the last chunk, if that is a block of small ones. */
  #free: Buffer = Buffer.alloc(0);

  /** Offset of the first byte that is held. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the last byte. */
  get end(): number {
    return this.#end;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#end += chunk.length;
    if (chunk.length >= SMALL_BYTES) {
      this.#free = Buffer.alloc(0);
      this.#chunks.push(chunk);
      return;
    }
    if (this.#free.length < chunk.length) {
      this.#free = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#chunks.push(this.#free.subarray(0, 0));
    }
    chunk.copy(this.#free);
    const last = this.#chunks.pop() ?? this.#free.subarray(0, 0);
    this.#chunks.push(Buffer.from(last.buffer, last.byteOffset, last.length + chunk.length));
    this.#free = this.#free.subarray(chunk.length);
  }

  /** Forgets what is before the offset. */
  acknowledge(offset: number): void {
    let count = 0;
    for (const chunk of this.#chunks) {
      if (this.#start + chunk.length > offset) break;
      this.#start += chunk.length;
      count += 1;
    }
    this.#chunks.splice(0, count);
    const [first] = this.#chunks;
    if (!first || offset <= this.#start) return;
    this.#chunks[0] = first.subarray(offset - this.#start);
    this.#start = offset;
  }
}
