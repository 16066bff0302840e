import type { FleetTask } from "./fleet-client.ts";
import { idOf } from "./read-task.ts";
import { type OutputOf, tellOutput } from "./task-output.ts";
import { whyStopped } from "./tell-trouble.ts";

const ID_CHARACTERS = 8;

/** Which task ended, when, with which exit codes, and what it wrote last, for people. */
export async function tellEnd(
  task: FleetTask,
  { port, outputOf }: { port: number; outputOf: OutputOf },
): Promise<string> {
  const { containers } = task;
  const at = task.address ? ` (${task.address.host}:${task.address.ports.get(port) ?? port})` : "";
  const failed = containers.find(({ exitCode, reason }) => exitCode !== 0 || reason !== undefined);
  const name = (failed ?? containers[0])?.name ?? "";
  const wrote = await tellOutput(task, name, outputOf);
  const id = idOf(task.arn).slice(0, ID_CHARACTERS);
  return `task ${id}${at}${whenOf(task)}: ${whyStopped(task)}. ${wrote}`;
}

/** Nothing while it is still stopping. */
function whenOf({ createdAtMs, stoppedAtMs }: FleetTask): string {
  if (stoppedAtMs === undefined) return "";
  const time = new Date(stoppedAtMs).toISOString().slice(11, 19);
  return ` at ${time} UTC, ${Math.round((stoppedAtMs - createdAtMs) / 1_000)} s after its start`;
}
