import type { Chunk, ReadPositions, SourceStatus } from "../source.ts";
import { FileRun } from "./files/file-run.ts";
import type { FileSourceOptions } from "./files/options.ts";

/** Dispose of it when everything read is stored: then other processes may continue. */
export type FileSource = AsyncDisposable & {
  read(positions: ReadPositions, signal: AbortSignal): AsyncIterable<Chunk>;
  /** One entry a file or pattern, those with problems first. */
  status(): SourceStatus[];
  confirm(): Promise<void>;
};

/**
 * Log files, each read once and completely, whatever their current names: a stream is recognised by its content after
 * a rename, a copy with truncation, a gzip or a restart. A file that cannot be read is reported in the status and
 * retried; it never fails the others. Only one read at a time.
 */
export function fileSource(options: FileSourceOptions): FileSource {
  const run = new FileRun({ chunkBytes: 1024 * 1024, lineBytesMax: 16 * 1024 * 1024, ...options });
  return {
    read: (positions, signal) => run.read(positions, signal),
    status: () => run.status(),
    confirm: () => run.confirm(),
    [Symbol.asyncDispose]: () => run.release(),
  };
}
