import type { Chunk, ReadPositions, SourceStatus } from "../source.ts";
import { FileRun } from "./files/file-run.ts";
import type { FileSourceOptions } from "./files/options.ts";

/** To be disposed of when what was read is stored: then other processes may read on. */
export type FileSource = AsyncDisposable & {
  read(positions: ReadPositions, signal: AbortSignal): AsyncIterable<Chunk>;
  /** One entry a file or pattern, the troubled ones first. */
  status(): SourceStatus[];
  confirm(): Promise<void>;
};

/**
 * Log files, each read once and wholly, whatever they are called by now: a stream is known again by its content after
 * a rename, a copy with truncation, a gzip or a restart. A file that cannot be read is told in the status and tried
 * again; it is never an error of the whole. Read once at a time.
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
