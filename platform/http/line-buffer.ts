const FLUSH_MS = 100;
const FLUSH_LENGTH = 64 * 1024;
/** So much is kept as a string before it becomes bytes: more would be garbage that has grown old, which is dear. */
const STRING_LENGTH = 4 * 1024;

/** Lines on their way out: gathered for a moment, since a write for each would cost more than the request it tells of. */
export type LineBuffer = { write(line: string): void; flush(): void; close(): void };

/** What is gathered goes out after 100 ms at most, or when it is much, or by `flush`, which a process calls as it ends. */
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
