import { type FileHandle, open } from "node:fs/promises";

import type { Chunk, ChunkMemory, RecordHeader, SourceId } from "#collectors/source.ts";
import { ifExists } from "#platform/files.ts";

import { areIntact, DAMAGED_LINES, ECS_LINES, headerAt, markOf } from "./segment-headers.ts";
import { positionAt, segmentPath, segmentsOf, STRIDE } from "./segments.ts";

/** Of a read, unless a block is larger. */
export const READ_BYTES = 2 * 1024 * 1024;
/** Number of reads of a partition before the next partition is read. */
const TURN_READS = 8;
const LF = 0x0a;

/** Bytes of the beginning of a segment in which its mark is looked for. */
const START_BYTES = 256 * 1024;

/** The current segment, and the header of the next line. */
type SegmentState = {
  index: number;
  mark: string | undefined;
  isChecked: boolean;
  header: RecordHeader;
};

/** Reads one partition of the embedded bus. */
export class PartitionReader {
  readonly #folder: string;
  readonly #partition: SourceId;
  #offset: number;
  #segment: SegmentState | undefined;
  /** Bytes of the segment from the offset on, and how many of them the next block has if it did not fit into a read. */
  #availableBytes = 0;
  #blockBytes = 0;

  constructor(from: { folder: string; partition: SourceId; offset: number }) {
    this.#folder = from.folder;
    this.#partition = from.partition;
    this.#offset = from.offset;
  }

  /** Complete lines, in order, up to a limit; each chunk has one header, and is in `memory` if there is room for it. */
  async *chunks(signal: AbortSignal, memory?: ChunkMemory): AsyncGenerator<Chunk, void> {
    await using opened = new OpenSegment(this.#folder, this.#partition);
    // The list is read first, so that a segment that is followed by another one is complete.
    const segments = await segmentsOf(this.#folder, this.#partition);
    for (let reads = 0; reads < TURN_READS && !signal.aborted;) {
      const lines = await this.#readLines(opened, memory);
      const offset = this.#offset;
      if (lines) {
        reads += 1;
        yield* this.#groups(lines);
        if (this.#offset > offset || this.#blockBytes <= this.#availableBytes) continue;
      }
      const next = segments.find((index) => index * STRIDE > offset);
      if (next === undefined) return;
      // The rest of the previous segment is a partial line or block, which was never acknowledged.
      this.#offset = next * STRIDE;
    }
  }

  /** Splits the lines, which begin at the reader's offset, where their header changes. */
  *#groups(bytes: Buffer): Generator<Chunk, void> {
    const segment = this.#segment;
    const first = this.#offset;
    this.#blockBytes = 0;
    if (!segment) return;
    for (let at = 0; at < bytes.length;) {
      const mark = segment.mark === undefined ? -1 : bytes.indexOf(segment.mark, at);
      if (mark !== at) {
        const end = mark < 0 ? bytes.length : mark;
        // Where headers have checksums, lines that do not follow one are damaged, or their header is.
        const header = segment.isChecked ? DAMAGED_LINES : segment.header;
        yield this.#chunk(bytes.subarray(at, end), { offset: first + at, header });
        at = end;
        continue;
      }
      const line = headerAt(bytes, at, segment.isChecked);
      if (!line) return;
      segment.header = line.header;
      if (!line.lines) {
        at = line.end;
        this.#offset = first + at;
        continue;
      }
      const end = line.end + line.lines.bytes;
      this.#blockBytes = end - at;
      if (end > bytes.length) return;
      const lines = bytes.subarray(line.end, end);
      const header = areIntact(lines, line.lines) ? line.header : DAMAGED_LINES;
      yield this.#chunk(lines, { offset: first + line.end, header });
      at = end;
    }
  }

  #chunk(bytes: Buffer, { offset, header }: { offset: number; header: RecordHeader }): Chunk {
    this.#offset = offset + bytes.length;
    const position = positionAt(this.#offset);
    return {
      sourceId: this.#partition,
      path: "",
      bytes,
      offset,
      position,
      bytesSkipped: 0,
      header,
    };
  }

  async #readLines(
    opened: OpenSegment,
    memory: ChunkMemory | undefined,
  ): Promise<Buffer | undefined> {
    const index = Math.floor(this.#offset / STRIDE);
    const at = this.#offset % STRIDE;
    const file = await opened.file(index);
    if (!file) return undefined;
    const { size } = await file.stat();
    if (size <= at) return undefined;
    this.#availableBytes = size - at;
    const wanted = Math.max(READ_BYTES, this.#blockBytes);
    const bytes = await readRange(file, { from: at, to: Math.min(at + wanted, size) }, memory);
    const end = bytes.lastIndexOf(LF) + 1;
    // Lines are far shorter than a read: without a line end in a full read the file is damaged, which quarantine shows.
    if (end === 0 && bytes.length < READ_BYTES) return undefined;
    if (this.#segment?.index !== index) this.#segment = { index, ...(await headerIn(file, at)) };
    return end === 0 ? bytes : bytes.subarray(0, end);
  }
}

/** The file of the segment that is read, which is opened once. */
class OpenSegment implements AsyncDisposable {
  readonly #pathOf: (index: number) => string;
  #index = -1;
  #file: FileHandle | undefined;

  constructor(folder: string, partition: SourceId) {
    this.#pathOf = (index) => segmentPath(folder, partition, index);
  }

  /** Undefined if it does not exist. */
  async file(index: number): Promise<FileHandle | undefined> {
    if (this.#index === index && this.#file) return this.#file;
    await this.#file?.close();
    this.#file = await ifExists(open(this.#pathOf(index), "r"));
    this.#index = index;
    return this.#file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}

/** The mark of the segment, and the header of the line at `at`. */
async function headerIn(file: FileHandle, at: number): Promise<Omit<SegmentState, "index">> {
  const { mark, isChecked } = markOf(await readRange(file, { from: 0, to: START_BYTES }));
  if (mark === undefined || isChecked || at === 0) return { mark, isChecked, header: ECS_LINES };
  const before = await readRange(file, { from: 0, to: at });
  const last = headerAt(before, Math.max(0, before.lastIndexOf(mark)), isChecked);
  return { mark, isChecked, header: last?.header ?? ECS_LINES };
}

async function readRange(
  file: FileHandle,
  { from, to }: { from: number; to: number },
  memory?: ChunkMemory,
): Promise<Buffer> {
  const buffer = memory?.(to - from) ?? Buffer.allocUnsafe(to - from);
  const { bytesRead } = await file.read(buffer, 0, to - from, from);
  return buffer.subarray(0, bytesRead);
}
