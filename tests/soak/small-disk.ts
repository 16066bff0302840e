import { execFile } from "node:child_process";
import { truncateSync } from "node:fs";
import { appendFile, mkdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const BLOCK_BYTES = 65_536;

/** A file system of its own for a folder, which can be filled. */
export type SmallDisk = AsyncDisposable & { fill(): Promise<void>; empty(): void };

/** Undefined where mounting is not permitted. */
export async function mountSmallDisk(
  folder: string,
  megabytes: number,
): Promise<SmallDisk | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", folder]);
  } catch {
    return undefined;
  }
  const ballast = path.join(folder, "ballast");
  return {
    fill: () => fill(ballast, folder),
    empty: () => truncateSync(ballast),
    async [Symbol.asyncDispose]() {
      await run("umount", ["--lazy", folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Reserves all blocks without writing to them, which would take as long as a slow board. */
async function fill(file: string, folder: string): Promise<void> {
  await writeFile(file, "", { flag: "a" });
  for (;;) {
    const { bavail, bsize } = await statfs(folder);
    const { size } = await stat(file);
    const bytes = bavail * bsize;
    try {
      if (bytes > 0) await run("fallocate", ["-o", `${size}`, "-l", `${bytes}`, file]);
      // What is freed meanwhile is used too.
      await appendFile(file, Buffer.alloc(BLOCK_BYTES));
    } catch {
      if (bytes === 0) return;
    }
  }
}
