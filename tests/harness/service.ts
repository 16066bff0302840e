import { z } from "zod";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { type Program, type ProgramOptions, startProgram } from "./program.ts";

/** Environment in which every domain API listens on a free port. */
export const FREE_API_PORTS: Readonly<Record<string, string>> = Object.fromEntries(
  SERVICE_NAMES.map((name) => [`API_${name.toUpperCase()}_PORT`, "0"]),
);

export type RunningService = Program & { url: string };

/** `quarterdeck api NAME …` with these arguments, once it serves. */
export async function startService(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunningService> {
  const program = startProgram(["api", ...args], options);
  try {
    return { ...program, url: await program.printed(/API is at (\S+)/) };
  } catch (error) {
    await program.end("SIGKILL");
    throw error;
  }
}

const LogLine = z.record(z.string(), z.unknown());

/** The lines of a log of JSON documents. */
export const logLinesIn = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => LogLine.parse(JSON.parse(line)));
