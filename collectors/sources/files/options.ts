import type { Clock } from "#platform/clock.ts";

export type FileSourceOptions = {
  /** Paths and patterns, such as `/var/log/nginx/*.log`; `.gz` and `.zst` files are unpacked as they are read. */
  paths: readonly string[];
  /** True: goes on reading what is appended, until the signal. False: reads to the end once. */
  follow: boolean;
  clock: Clock;
  /** Bytes read at a time. */
  chunkBytes?: number;
  /** Of a longer line only so many bytes are handed out. */
  lineBytesMax?: number;
  /** Where processes with the same data folder record which streams they read; absent: no other process reads. */
  locksFolder?: string;
};
