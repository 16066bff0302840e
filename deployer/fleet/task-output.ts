import type { FleetTask } from "./fleet-client.ts";

/** The end of what a container wrote, and whether there is more before it; or where it is kept, if it is not read here. */
export type TaskOutput = { text: string; isCut: boolean } | { keptIn: string };

/** The output of a container; undefined if nothing is known of it. */
export type OutputOf = (task: FleetTask, container: string) => Promise<TaskOutput | undefined>;

const LINES_MAX = 3;
const CHARACTERS_MAX = 400;
/** Lines of a stack trace, which say little without the message above them. */
const NOISE = /^\s+at |^Node\.js v|^[\s^~]*$/;

/** What a container wrote last or where that is, as a sentence for people. */
export async function tellOutput(
  task: FleetTask,
  container: string,
  outputOf: OutputOf,
): Promise<string> {
  const output = await outputOf(task, container).catch(() => undefined);
  if (output && "keptIn" in output) return `Its output, if any, is in ${output.keptIn}.`;
  const last = lastLines(output?.text ?? "");
  return last === "" ? "It wrote nothing." : `Its last output: "${last}".`;
}

/** The end of an output on one line, without stack traces. */
function lastLines(text: string): string {
  const lines = text.split("\n").filter((line) => !NOISE.test(line));
  return lines
    .slice(-LINES_MAX)
    .map((line) => line.trim())
    .join(" / ")
    .slice(-CHARACTERS_MAX);
}
