import { endWithCr } from "#collectors/line-column.ts";
import type { Chunk, Position } from "#collectors/source.ts";

const LF = 0x0a;
const LINE_END = Buffer.of(LF);
/** An event that has reached this size ends with its next line. */
const BYTES_MAX = 1024 * 1024;

/** An event that the next lines may continue. */
export class OpenEvent {
  /** Offset of its first byte in the stream. */
  readonly offset: number;
  readonly retime: Chunk["retime"];
  /** When a line was added last. */
  changedMs = 0;
  /** The position from which it can be read again. It is computed at the end of the chunk, for few events. */
  position: Position | undefined;
  /** In the present chunk: where the event begins, and where its last line ends. */
  readonly #start: number;
  #end: number;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  /** The bytes of an earlier chunk after its last line. */
  #gap: Uint8Array | undefined;

  constructor({ bytes, offset, retime }: Chunk, start: number, end: number) {
    this.offset = offset + start;
    this.retime = retime;
    this.#start = start;
    this.#end = endWithCr(bytes, end);
    this.#add(bytes.subarray(start, this.#end));
  }

  get isFull(): boolean {
    return this.#bytes >= BYTES_MAX;
  }

  /** Adds the line that ends at `lineEnd`, with the bytes between it and the line before. */
  append({ bytes }: Chunk, lineEnd: number): void {
    const end = endWithCr(bytes, lineEnd);
    if (this.#gap) {
      // The line end is missing after the beginning of an overlong line.
      this.#add(this.#gap.at(-1) === LF ? this.#gap : LINE_END);
      this.#add(bytes.subarray(0, end));
      this.#gap = undefined;
    } else this.#add(bytes.subarray(this.#end, end));
    this.#end = end;
  }

  /** Keeps what is needed when the next chunk replaces this one. */
  endChunk({ bytes, position, positionAt }: Chunk): void {
    this.position ??= positionAt?.(bytes.subarray(0, this.#start)) ?? position;
    const rest = this.#gap ? Buffer.concat([this.#gap, bytes]) : bytes.subarray(this.#end);
    this.#gap = new Uint8Array(rest);
  }

  /** All its bytes, from the beginning of the first line to the end of the last one, without its LF. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #add(part: Uint8Array): void {
    // Copied, because the bytes of a chunk are valid until the next one is read.
    this.#parts.push(new Uint8Array(part));
    this.#bytes += part.length;
  }
}
