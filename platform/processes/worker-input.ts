import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { Writable } from "node:stream";

/**
 * The file descriptor from which a worker reads its input. Settings contain secrets, which would be visible to every
 * process of the same user in an environment or in arguments.
 */
const INPUT_FD = 4;

/** `stdio` of a forked process that reads an input. */
export const inputStdio = (stdout: "pipe" | "inherit") =>
  ["ignore", stdout, "inherit", "ipc", "pipe"] as const;

/** Sends a JSON value to a child that was forked with `inputStdio`. */
export function sendInput(child: ChildProcess, input: unknown): void {
  const stream = child.stdio[INPUT_FD];
  if (!(stream instanceof Writable)) throw new Error("the child was not forked with an input");
  // A child that exits at once does not read it.
  stream.on("error", () => undefined);
  stream.end(JSON.stringify(input));
}

/** The JSON value that the parent sent. Can be read once. */
export const readInput = (): unknown => JSON.parse(readFileSync(INPUT_FD, "utf8"));
