import { type FileHandle, open, stat } from "node:fs/promises";

import { ifExists } from "#platform/files.ts";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the lines that were appended to a file since the last time. When the file becomes too large it is copied to `.1` and
 * emptied, and what was not read before that is read from there.
 */
export class LogTail {
  readonly #file: string;
  #offset = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Leaves out what is there already. */
  async skip(): Promise<void> {
    this.#offset = (await ifExists(stat(this.#file)))?.size ?? 0;
  }

  /** Calls the function for each complete new line. In memory is one chunk; a longer line is skipped. */
  async read(onLine: (line: string) => void): Promise<void> {
    const file = await ifExists(open(this.#file));
    if (file === undefined) return;
    try {
      if ((await file.stat()).size < this.#offset) {
        await this.#readCopy(onLine);
        this.#offset = 0;
      }
      this.#offset = await readLines(file, this.#offset, onLine);
    } finally {
      await file.close();
    }
  }

  async #readCopy(onLine: (line: string) => void): Promise<void> {
    const copy = await ifExists(open(`${this.#file}.1`));
    if (copy === undefined) return;
    try {
      await readLines(copy, this.#offset, onLine);
    } finally {
      await copy.close();
    }
  }
}

/** @returns the offset after the last complete line */
async function readLines(
  file: FileHandle,
  fromOffset: number,
  onLine: (line: string) => void,
): Promise<number> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let offset = fromOffset;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return offset;
    const end = chunk.lastIndexOf(NEWLINE, bytesRead - 1);
    if (end === -1) {
      if (bytesRead < CHUNK_BYTES) return offset;
      offset += bytesRead;
      continue;
    }
    for (const line of chunk.toString("utf8", 0, end).split("\n")) onLine(line);
    offset += end + 1;
  }
}
