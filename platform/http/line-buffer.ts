const FLUSH_MS = 100;
const FLUSH_LENGTH = 64 * 1024;
/** Lines are encoded in blocks of this length: longer strings would survive into the old generation of the heap. */
const STRING_LENGTH = 4 * 1024;

/** Buffers lines, because a write for each line would cost more than its request. */
export type LineBuffer = { write(line: string): void; flush(): void; close(): void };

/** Writes after 100 ms at most, when the buffer is full, and on `flush`, which a process must call before it exits. */
export function bufferLines(output: (lines: Buffer) => void): LineBuffer {
  let text = "";
  let parts: Buffer[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  const keepBytes = (): void => {
    const bytes = Buffer.from(text);
    text = "";
    parts.push(bytes);
    length += bytes.length;
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (text !== "") keepBytes();
    if (length === 0) return;
    const lines = Buffer.concat(parts);
    parts = [];
    length = 0;
    output(lines);
  };
  return {
    write(line) {
      text += line;
      timer ??= setTimeout(flush, FLUSH_MS).unref();
      if (text.length >= STRING_LENGTH) keepBytes();
      if (length >= FLUSH_LENGTH) flush();
    },
    flush,
    close: flush,
  };
}
