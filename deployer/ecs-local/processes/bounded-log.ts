import { copyFile, stat, truncate } from "node:fs/promises";

import { ifExists } from "#platform/files.ts";

/**
 * Keeps a file that a process appends to within a bound: when it is too large, it is copied to `.1` and emptied. The process
 * has it open, so renaming it would not help. Lines that are written in the moment between copying and emptying are lost.
 */
export async function boundLog(file: string, bytesMax: number): Promise<void> {
  const size = (await ifExists(stat(file)))?.size ?? 0;
  if (size <= bytesMax) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}
