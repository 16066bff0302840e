import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { SourceId } from "../source.ts";

export type Claim = { release(): Promise<void> };

type Owner = { pid: number; started: string };

/** Claims that this process holds: the same stream is not read twice in it either. */
const held = new Set<string>();

/**
 * Makes this process the only one with this data folder that reads the stream; undefined while another one does.
 * A claim whose process is gone is taken over. The error of a folder that cannot be written to is thrown.
 */
export async function claim(sourceId: SourceId, folder: string): Promise<Claim | undefined> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${sourceId}.lock`);
  if (held.has(path)) return undefined;
  held.add(path);
  try {
    return await take(path);
  } catch (error) {
    held.delete(path);
    throw error;
  }
}

async function take(path: string): Promise<Claim | undefined> {
  const started = await startOf(process.pid);
  const mine = JSON.stringify({ pid: process.pid, started: started ?? "" });
  const draft = `${path}.${process.pid}-${randomUUID()}`;
  try {
    await writeFile(draft, mine);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (await linkNew(draft, path)) return { release: () => release(path) };
      if (await isAlive(await ownerOf(path))) break;
      await removeStale(path, `${draft}-stale`);
    }
  } finally {
    await remove(draft);
  }
  held.delete(path);
  return undefined;
}

async function release(path: string): Promise<void> {
  await remove(path);
  held.delete(path);
}

/** Where the folder has gone, or is no folder any more, the file has gone with it. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    if (codeOf(error) !== "ENOTDIR") throw error;
  });
}

/** Creates the lock with its content in one step, so that nobody ever sees half of it. */
async function linkNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Another process may take it over at the same time: what was moved away must still be the stale one. */
async function removeStale(path: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
    if (await isAlive(await ownerOf(aside))) await linkNew(aside, path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  } finally {
    await remove(aside);
  }
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof owner !== "object" || owner === null) return undefined;
    const pid = "pid" in owner ? Number(owner.pid) : 0;
    return { pid, started: "started" in owner ? String(owner.started) : "" };
  } catch {
    // Gone meanwhile, or cut off by a crash: nobody's.
    return undefined;
  }
}

async function isAlive(owner: Owner | undefined): Promise<boolean> {
  if (!owner || !Number.isInteger(owner.pid) || owner.pid <= 0) return false;
  if (owner.pid === process.pid) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return false;
  }
  const started = await startOf(owner.pid);
  return started === undefined || owner.started === "" || started === owner.started;
}

/** When the process started, as Linux counts it: process ids are used again, and quickly so in containers. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    // No /proc on this system: the process id alone has to do.
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
