import { access, constants, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";

import { explained } from "./files.ts";

const FOLDERS = ["events", "rollups", "manifests", "filters", "tmp", "broken", "schema"];

export type TemporaryFolder = AsyncDisposable & { path: string };

/**
 * Creates the folders of a store. A store that may only be read, such as a copy on a read-only disk, stays as it is:
 * its readers get a temporary folder elsewhere.
 */
export async function prepareFolders(folder: string): Promise<TemporaryFolder> {
  try {
    for (const name of FOLDERS) {
      await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    }
    const path = join(folder, "tmp");
    await access(path, constants.W_OK);
    return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  } catch (error) {
    if (!isReadOnly(error)) throw explained(error, folder);
    return folderElsewhere(folder);
  }
}

async function folderElsewhere(folder: string): Promise<TemporaryFolder> {
  await access(join(folder, "events"), constants.R_OK).catch((error: unknown) => {
    const message = `the store ${folder} can be neither read nor created (${errorCode(error)}): check the path, its owner and mode`;
    throw new AppError("unavailable", message, { cause: error });
  });
  const path = await mkdtemp(join(tmpdir(), "quarterdeck-store-")).catch((error: unknown) => {
    const message = `${folder} may only be read, and there is no other place for temporary files (${errorCode(error)}): name a folder in TMPDIR`;
    throw new AppError("unavailable", message, { cause: error });
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A recursive mkdir of Node fails with ENOENT on a read-only disk. */
const isReadOnly = (error: unknown): boolean =>
  ["EROFS", "EACCES", "EPERM", "ENOENT"].includes(errorCode(error) ?? "");
