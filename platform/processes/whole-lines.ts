import type { Readable } from "node:stream";

const NEWLINE = 0x0a;
/** A longer line is written in parts. */
const LINE_BYTES_MAX = 1024 * 1024;

/** Writes the output of a process in whole lines, so that the lines of several processes never mix. */
export function wholeLines(stream: Readable, write: (lines: string) => void): void {
  let rest: Buffer[] = [];
  let restBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      write(Buffer.concat([...rest, chunk.subarray(0, end)]).toString());
      rest = end < chunk.length ? [chunk.subarray(end)] : [];
      restBytes = chunk.length - end;
      return;
    }
    rest.push(chunk);
    restBytes += chunk.length;
    if (restBytes > LINE_BYTES_MAX) flush();
  });
  const flush = (): void => {
    if (rest.length > 0) write(`${Buffer.concat(rest).toString()}\n`);
    rest = [];
    restBytes = 0;
  };
  stream.on("end", flush);
  stream.on("error", flush);
}
