import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Kills the processes of a task of the local fleet. `task`: its id, or its ARN. */
export function killTask(folder: string, task: string): void {
  const id = task.split("/").at(-1) ?? "";
  const at = path.join(folder, "data", "deploys", "fleet", "tasks", id);
  for (const container of readdirSync(at)) {
    // Boot, and process of the watcher and of the container.
    const started = readFileSync(path.join(at, container, "started"), "utf8");
    kill(Number(started.split(" ")[3]));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
