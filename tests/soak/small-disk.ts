import { execFile } from "node:child_process";
import { statfsSync, truncateSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const BLOCK_BYTES = 65_536;

/** A file system of its own for a folder, which can be filled. */
export type SmallDisk = AsyncDisposable & { fill(): void; empty(): void };

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

function fill(file: string, folder: string): void {
  for (;;) {
    const { bavail, bsize } = statfsSync(folder);
    const bytes = Math.min(bavail * bsize, 64 * 1024 * 1024);
    try {
      writeFileSync(file, Buffer.alloc(Math.max(bytes, BLOCK_BYTES)), { flag: "a" });
    } catch {
      if (bytes === 0) return; // Also the last block is used.
    }
  }
}
