import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { AppError, type FieldError } from "#platform/errors.ts";

const CHECK_MS_MAX = 20_000;
const MISTAKES_MAX = 10;

/**
 * Lets HAProxy itself check a configuration.
 * @param origins the line of the template that each line comes from
 * @throws AppError unprocessable with each mistake, its line and the text of that line
 */
export async function checkHaproxyConfig(
  program: string,
  file: string,
  origins: readonly number[],
): Promise<void> {
  const run = promisify(execFile);
  try {
    await run(program, ["-c", "-f", file], { timeout: CHECK_MS_MAX });
  } catch (error) {
    const output = outputOf(error);
    const lines = (await readFile(file, "utf8")).split("\n");
    const mistakes = mistakesIn(output, { lines, origins });
    const messages = mistakes.map(({ message }) => message);
    throw new AppError(
      "unprocessable",
      `HAProxy does not accept the configuration.\n${messages.join("\n") || output}`,
      { fields: mistakes, cause: error },
    );
  }
}

/** The mistakes that HAProxy names, at most ten. Those of no single line have no line. */
function mistakesIn(
  output: string,
  { lines, origins }: { lines: readonly string[]; origins: readonly number[] },
): FieldError[] {
  return [...output.matchAll(/^\[ALERT\] +\(\d+\) : (?:config : )?(.*)$/gm)]
    .map(([, text = ""]) => text)
    .filter((text) => !/^(?:Error\(s\) found in|Fatal errors found in)/.test(text))
    .slice(0, MISTAKES_MAX)
    .map((text) => {
      const [, number, what = text] = /^parsing \[[^\]]*?:(\d+)\] *:? *(.*)$/.exec(text) ?? [];
      if (number === undefined) return { path: "", code: "refused", message: text };
      const origin = origins[Number(number) - 1] ?? Number(number);
      const line = (lines[Number(number) - 1] ?? "").trim();
      const message = `Line ${origin}: ${what.trim()}\n  ${line}`;
      return { path: `line ${origin}`, code: "refused", message };
    });
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const output = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return output === "" ? error.message : output;
}
