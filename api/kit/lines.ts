const FLUSH_MS = 100;
const FLUSH_LENGTH = 32 * 1024;

/** Lines on their way out: gathered for a moment, since a write for each would cost more than the request it tells of. */
export type Lines = { write(line: string): void; flush(): void; close(): void };

/** What is gathered goes out after 100 ms at most, or when it is much, or by `flush`, which a process calls as it ends. */
export function gatherLines(output: (text: string) => void): Lines {
  let gathered = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered === "") return;
    const text = gathered;
    gathered = "";
    output(text);
  };
  return {
    write(line) {
      gathered += line;
      if (gathered.length >= FLUSH_LENGTH) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    flush,
    close: flush,
  };
}
