import { spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Program } from "./program.ts";

const WITH_MOUNT = ["unshare", "--mount"] as const;

/** Whether this user may mount a disk in a namespace. Tests that need one are skipped otherwise, but not in CI. */
export const MAY_MOUNT = mayMount();

function mayMount(): boolean {
  const [command, ...flags] = WITH_MOUNT;
  const mount = ["sh", "-c", "mount -t tmpfs tmpfs /mnt"];
  const { status, stderr } = spawnSync(command, [...flags, ...mount], { encoding: "utf8" });
  if (status === 0) return true;
  if (process.env["CI"] === "true") throw new Error(`CI must be able to mount: ${stderr}`);
  process.stderr.write("SKIPPED: tests of a full disk, as mounting is not permitted\n");
  return false;
}

/** A command prefix: the program sees a disk of this size in the folder. */
export const onSmallDisk = (folder: string, mebibytes: number): string[] => [
  ...WITH_MOUNT,
  "sh",
  "-c",
  `mount -t tmpfs -o size=${mebibytes}m tmpfs "$0" && exec "$@"`,
  folder,
];

/** Fills the disk that the program sees in the folder; the returned function frees the space. */
export async function fillDisk({ child }: Program, folder: string): Promise<() => Promise<void>> {
  const file = join(`/proc/${child.pid}/root`, folder, "filler");
  await writeFile(file, Buffer.alloc(64 * 1024 * 1024)).catch(() => undefined);
  // The last block may be free.
  await writeFile(`${file}.rest`, Buffer.alloc(1024 * 1024)).catch(() => undefined);
  return async () => {
    await rm(file);
    await rm(`${file}.rest`, { force: true });
  };
}
