import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { judgeProcess, ownIdentity } from "./process-identity.ts";

const Owner = z.object({ pid: z.int().positive(), began: z.string() });

/**
 * The process of an earlier version, which marked its folders with `owner.json`, if it still runs. The file of a
 * process that has ended is removed.
 */
export async function earlierOwner(folder: string): Promise<number | undefined> {
  const file = join(folder, "owner.json");
  const owner = readOwner(file);
  if (owner) {
    const [bootId = "", startTime = ""] = owner.began.split("/");
    const process = { ...ownIdentity(), bootId, startTime, pid: owner.pid };
    if (judgeProcess(process) === "alive") return owner.pid;
  }
  await rm(file, { force: true });
  return undefined;
}

function readOwner(file: string): z.infer<typeof Owner> | undefined {
  try {
    return Owner.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
