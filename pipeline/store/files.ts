import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";

const PRIVATE = 0o600;
/** Systems accept this many buffers in one call. */
const PARTS_MAX = 1024;

/** Writes the bytes durably to a new file. */
export async function writeSafe(path: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    await using file = await open(path, "wx", PRIVATE);
    await writeParts(file, parts);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw explained(error, dirname(path));
  }
}

/** Without a copy of all parts, which would take longer than writing them. */
async function writeParts(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest.slice(0, PARTS_MAX));
    rest = after(rest, bytesWritten);
  }
}

function after(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const index = parts.findIndex((part) => {
    if (left < part.length) return true;
    left -= part.length;
    return false;
  });
  const [first, ...rest] = index < 0 ? [] : parts.slice(index);
  return first ? [first.subarray(left), ...rest] : [];
}

/** Renames the file durably to its final name. */
export async function publish(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

/** @throws the first error, when all of the work has ended, so that its files can be removed */
export async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

export async function removeAll(paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) if (path !== undefined) await rm(path, { force: true });
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

/** Converts problems that the owner of the folder can solve to messages for people. */
export function explained(error: unknown, folder: string): Error {
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const message = `the disk of ${folder} is full, so the last batch was not stored: free some space`;
    return new AppError("unavailable", message, { cause: error });
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
    const message = `${folder} is not writable (${code}): check its owner and mode`;
    return new AppError("unavailable", message, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}
