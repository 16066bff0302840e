import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { ProcessMark, isAlive, markOf } from "./process-mark.ts";

const fileOf = (folder: string): string => path.join(folder, "owner.json");

/**
 * Makes this process the owner of a folder, unless a living process owns it. An owner that was killed loses it: its
 * mark names the process and when it began, so a later process with the same number is not taken for it.
 */
export async function takeOwnership(folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = fileOf(folder);
  const mine = `${file}.${process.pid}`;
  await writeFile(mine, JSON.stringify(markOf(process.pid)), { mode: 0o600, flush: true });
  try {
    for (;;) {
      // A link appears whole or not at all, and fails if the name is taken.
      if (await succeeds(link(mine, file))) return true;
      const owner = await readMark(file);
      if (owner !== undefined && isAlive(owner)) return false;
      await removeStale(file, owner);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

export async function dropOwnership(folder: string): Promise<void> {
  await rm(fileOf(folder), { force: true });
}

export async function hasLivingOwner(folder: string): Promise<boolean> {
  const owner = await readMark(fileOf(folder));
  return owner !== undefined && isAlive(owner);
}

/** Of two that find the same stale mark one moves it away; a fresh mark that slipped in between is put back. */
async function removeStale(file: string, stale: ProcessMark | undefined): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  if (!(await succeeds(rename(file, aside)))) return;
  const moved = await readMark(aside);
  if (moved !== undefined && moved.began !== stale?.began) await succeeds(link(aside, file));
  await rm(aside, { force: true });
}

async function readMark(file: string): Promise<ProcessMark | undefined> {
  try {
    return ProcessMark.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    (error: unknown) => {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EEXIST" || code === "ENOENT") return false;
      throw error;
    },
  );
