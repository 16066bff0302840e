import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import type { Clock } from "#platform/clock.ts";
import { errorCode } from "#platform/errors.ts";
import { ifThere } from "#platform/files.ts";

import { isAlive } from "./files.ts";

/** The lock is made anew for every merge, and no merge takes this long. */
const STALE_MS = 15 * 60_000;

/** Held while one process merges segments; the others then leave it to that one. */
export class CompactionLock implements AsyncDisposable {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  /** Undefined while another process that is alive holds it. */
  static async take(folder: string, clock: Clock): Promise<CompactionLock | undefined> {
    const path = join(folder, "compaction.lock");
    const content = JSON.stringify({ pid: process.pid, host: hostname(), token: randomUUID() });
    if (await makeFile(path, content)) return new CompactionLock(path, content);
    if (!(await isStale(path, clock))) return undefined;
    const aside = `${path}.${randomUUID()}`;
    await ifThere(rename(path, aside));
    await rm(aside, { force: true });
    return (await makeFile(path, content)) ? new CompactionLock(path, content) : undefined;
  }

  /** Whether nobody took it for stale meanwhile. */
  async isOurs(): Promise<boolean> {
    return (await ifThere(readFile(this.#path, "utf8"))) === this.#content;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (await this.isOurs()) await rm(this.#path, { force: true });
  }
}

async function makeFile(path: string, content: string): Promise<boolean> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(content);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function isStale(path: string, clock: Clock): Promise<boolean> {
  const info = await ifThere(stat(path));
  const text = await ifThere(readFile(path, "utf8"));
  if (!info || text === undefined) return true;
  if (clock.nowMs() - info.mtimeMs > STALE_MS) return true;
  const pid = /"pid":(\d+),"host":"([^"]*)"/.exec(text);
  // A file without content was made this very moment, or by a process that died in it.
  if (!pid) return false;
  return pid[2] === hostname() && !isAlive(Number(pid[1]));
}
