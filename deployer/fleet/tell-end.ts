import type { FleetTask } from "./fleet-client.ts";
import { whyStopped } from "./judge-service.ts";

/** The last output of a container; undefined if it cannot be had. */
export type OutputOf = (taskArn: string, container: string) => Promise<string | undefined>;

const LINES_MAX = 3;
const CHARACTERS_MAX = 400;
const ID_CHARACTERS = 8;
/** Lines of a stack trace, which say little without the message above them. */
const NOISE = /^\s+at |^Node\.js v|^[\s^~]*$/;

/** Which task ended, when, with which exit codes, and what it wrote last, for people. */
export async function tellEnd(
  task: FleetTask,
  { port, outputOf }: { port: number; outputOf: OutputOf },
): Promise<string> {
  const { arn, containers } = task;
  const at = task.address ? ` (${task.address.host}:${task.address.ports.get(port) ?? port})` : "";
  const id = arn.slice(arn.lastIndexOf("/") + 1).slice(0, ID_CHARACTERS);
  const failed = containers.find(({ exitCode, reason }) => exitCode !== 0 || reason !== undefined);
  const name = (failed ?? containers[0])?.name ?? "";
  const output = lastLines((await outputOf(arn, name).catch(() => undefined)) ?? "");
  const wrote = output === "" ? "It wrote nothing." : `Its last output: "${output}".`;
  return `task ${id}${at}${whenOf(task)}: ${whyStopped(task)}. ${wrote}`;
}

/** Nothing while it is still stopping. */
function whenOf({ createdAtMs, stoppedAtMs }: FleetTask): string {
  if (stoppedAtMs === undefined) return "";
  const time = new Date(stoppedAtMs).toISOString().slice(11, 19);
  return ` at ${time} UTC, ${Math.round((stoppedAtMs - createdAtMs) / 1_000)} s after its start`;
}

/** The end of an output on one line, without stack traces. */
export function lastLines(text: string): string {
  const lines = text.split("\n").filter((line) => !NOISE.test(line));
  return lines
    .slice(-LINES_MAX)
    .map((line) => line.trim())
    .join(" / ")
    .slice(-CHARACTERS_MAX);
}
