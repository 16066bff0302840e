import type { Clock } from "#platform/clock.ts";

export type FileSourceOptions = {
  /** Paths and patterns, such as `/var/log/nginx/*.log`; `.gz` and `.zst` files are decompressed as they are read. */
  paths: readonly string[];
  /** True: follows the files until the signal. False: reads to the end once. */
  follow: boolean;
  clock: Clock;
  /** Bytes read at a time. */
  chunkBytes?: number;
  /** Longer lines are cut to this many bytes. */
  lineBytesMax?: number;
  /** Where processes with the same data folder record which streams they read; absent: no other process reads. */
  locksFolder?: string;
};
