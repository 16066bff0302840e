import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Runs a command as pid 1 of new PID and IPC namespaces, like a container. */
export const IN_CONTAINER = [
  "unshare",
  "--pid",
  "--ipc",
  "--fork",
  "--kill-child",
  "--mount-proc",
] as const;

/** Whether this user may create namespaces. Tests that need them are skipped otherwise, but not in CI. */
export const MAY_UNSHARE = mayUnshare();

function mayUnshare(): boolean {
  const [command, ...flags] = IN_CONTAINER;
  const { status, stderr } = spawnSync(command, [...flags, "--uts", "true"], { encoding: "utf8" });
  if (status === 0) return true;
  if (process.env["CI"] === "true") throw new Error(`CI must be able to unshare: ${stderr}`);
  process.stderr.write("SKIPPED: tests in PID and IPC namespaces, as unshare is not permitted\n");
  return false;
}

/** The number, in this namespace, of the process that `unshare --fork` started. */
export function containedPid(unsharePid: number): number {
  return Number(readFileSync(`/proc/${unsharePid}/task/${unsharePid}/children`, "utf8"));
}
