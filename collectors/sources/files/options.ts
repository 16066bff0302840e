import type { Clock } from "#platform/clock.ts";

export type FileSourceOptions = {
  /** Paths and patterns, e.g. `/var/log/nginx/*.log`; gzip and zstd files are decompressed while they are read. */
  paths: readonly string[];
  /** True: follows the files until the signal aborts. False: reads to the end once. */
  follow: boolean;
  clock: Clock;
  /** Bytes read at a time. */
  chunkBytes?: number;
  /** Longer lines are truncated to this many bytes. */
  lineBytesMax?: number;
  /** Files that are kept open at a time. Default: a share of what the process may open. */
  openFilesMax?: number;
  /**
   * Folder for the leases of streams, shared by processes with the same data folder; absent: no other process reads.
   */
  locksFolder?: string;
};
