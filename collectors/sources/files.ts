import type { Chunk, ChunkMemory, ReadPositions, SourceStatus } from "../source.ts";
import { FileRun } from "./files/file-run.ts";
import { logFilesOpenMax } from "./files/open-files.ts";
import type { FileSourceOptions } from "./files/options.ts";

/** To be disposed when everything read is stored, so that other processes may continue. */
export type FileSource = AsyncDisposable & {
  read(positions: ReadPositions, signal: AbortSignal, memory?: ChunkMemory): AsyncIterable<Chunk>;
  /** One entry per file or pattern, those with problems first. */
  status(): SourceStatus[];
  confirm(): Promise<void>;
  /**
   * Changes the paths and patterns that are followed; each has the source that it belongs to. A file that none of them matches any more is no longer read; if
   * it is matched again, it is read on from where reading ended.
   */
  setPaths(sources: ReadonlyMap<string, string>): void;
};

/**
 * Log files, each read once and completely, whatever their current names: a stream is identified by its content after
 * renaming, copying with truncation, compression and restarts. A file that cannot be read is reported in the status and
 * retried; it does not affect others. Only one `read` at a time.
 */
export function fileSource(options: FileSourceOptions): FileSource {
  const run = new FileRun({
    chunkBytes: 1024 * 1024,
    lineBytesMax: 16 * 1024 * 1024,
    openFilesMax: logFilesOpenMax(),
    ...options,
  });
  return {
    read: (positions, signal, memory) => run.read(positions, signal, memory),
    status: () => run.status(),
    confirm: () => run.confirm(),
    setPaths: (sources) => run.setPaths(sources),
    [Symbol.asyncDispose]: () => run.release(),
  };
}
