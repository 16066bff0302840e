const FLUSH_MS = 100;
const BUFFER_BYTES = 64 * 1024;
/** UTF-8 needs at most so many bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;

/** Lines on their way out: gathered for a moment, since a write for each would cost more than the request it tells of. */
export type Lines = { write(line: string): void; flush(): void; close(): void };

/**
 * What is gathered goes out after 100 ms at most, or when it is much, or by `flush`, which a process calls as it ends.
 * Lines are kept as bytes: as strings they would be garbage that has grown old, which is dear to collect.
 */
export function gatherLines(output: (lines: Buffer) => void): Lines {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (length === 0) return;
    const lines = Buffer.from(buffer.subarray(0, length));
    length = 0;
    output(lines);
  };
  return {
    write(line) {
      if (length + line.length * BYTES_PER_UNIT > BUFFER_BYTES) flush();
      if (line.length * BYTES_PER_UNIT > BUFFER_BYTES) output(Buffer.from(line));
      else length += buffer.write(line, length);
      timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    flush,
    close: flush,
  };
}
