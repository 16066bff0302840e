/** A growing byte buffer. */
export class ByteWriter {
  #bytes: Buffer;
  #view: DataView | undefined;
  length = 0;

  constructor(bytesExpected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(bytesExpected, 64));
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** A view of the written bytes, valid until the next write. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  u8(value: number): void {
    this.room(1);
    this.#bytes[this.length] = value;
    this.length += 1;
  }

  u32(value: number): void {
    this.room(4);
    this.length = this.#bytes.writeUInt32LE(value, this.length);
  }

  f64(value: number): void {
    this.room(8);
    this.length = this.#bytes.writeDoubleLE(value, this.length);
  }

  /** Unsigned LEB128; exact up to 2^53. */
  varint(value: number): void {
    this.room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length] = (rest % 0x80) | 0x80;
      this.length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length] = rest;
    this.length += 1;
  }

  put(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Ensures capacity for this many more bytes and returns the buffer, for loops that write at `length` themselves. */
  room(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed > this.#bytes.length) {
      const bigger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(bigger, 0, 0, this.length);
      this.#bytes = bigger;
      this.#view = undefined;
    }
    return this.#bytes;
  }

  /** Like `room`, for loops that write several bytes at once. */
  roomView(bytes: number): DataView {
    const { buffer, byteOffset, byteLength } = this.room(bytes);
    return (this.#view ??= new DataView(buffer, byteOffset, byteLength));
  }
}
