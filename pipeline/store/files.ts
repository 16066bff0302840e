import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";

const PRIVATE = 0o600;

/** Writes the bytes to a new file, safe on disk. */
export async function writeSafe(path: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    await using file = await open(path, "wx", PRIVATE);
    await file.writeFile(Buffer.concat(parts));
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw explained(error, dirname(path));
  }
}

/** Gives the file its final name, safe on disk when this returns. */
export async function publish(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

/** Problems that the owner of the folder can solve get a message for them. */
export function explained(error: unknown, folder: string): Error {
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const message = `the disk of ${folder} is full: nothing was kept of the last batch; free some space`;
    return new AppError("unavailable", message, { cause: error });
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
    const message = `${folder} cannot be written to (${code}): check its owner and mode`;
    return new AppError("unavailable", message, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}
