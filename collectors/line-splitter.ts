const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

export type SplitLine = {
  bytes: Uint8Array;
  /** Bytes removed from the end of a line longer than the limit. */
  bytesCut: number;
};

/** Splits a stream into lines and buffers at most the maximum length of a line. Empty lines are skipped. */
export class LineSplitter {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #cut = 0;
  #isFirst = true;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  *push(chunk: Uint8Array): Generator<SplitLine> {
    let start = 0;
    for (;;) {
      const found = chunk.indexOf(LF, start);
      if (found < 0) break;
      yield* this.#line(chunk.subarray(start, found));
      start = found + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** The last line, if the stream did not end with a line end. */
  *end(): Generator<SplitLine> {
    if (this.#length > 0) yield* this.#line(new Uint8Array());
  }

  #hold(part: Uint8Array): void {
    const room = this.#bytesMax - this.#length;
    const kept = part.length > room ? part.subarray(0, room) : part;
    this.#cut += part.length - kept.length;
    if (kept.length === 0) return;
    // A copy: the stream may reuse its buffer.
    this.#parts.push(new Uint8Array(kept));
    this.#length += kept.length;
  }

  *#line(last: Uint8Array): Generator<SplitLine> {
    let bytes = last;
    let bytesCut = 0;
    if (this.#length > 0 || last.length > this.#bytesMax) {
      this.#hold(last);
      bytes = Buffer.concat(this.#parts);
      bytesCut = this.#cut;
      this.#parts = [];
      this.#length = 0;
      this.#cut = 0;
    }
    const line = trimmed(this.#isFirst ? withoutBom(bytes) : bytes);
    this.#isFirst = false;
    if (line.length > 0) yield { bytes: line, bytesCut };
  }
}

/** Removes the CR of a CRLF, and the NULs that a power failure leaves before a line. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length && bytes[start] === NUL) start += 1;
  const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, Math.max(start, end));
}

function withoutBom(bytes: Uint8Array): Uint8Array {
  const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasBom ? bytes.subarray(3) : bytes;
}
