import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { AppError, type FieldError } from "#platform/errors.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import { sectionsOf } from "./config-sections.ts";
import { forbiddenParts } from "./forbidden-parts.ts";

const CHECK_MS_MAX = 20_000;
const MISTAKES_MAX = 10;

/**
 * Lets HAProxy itself check a configuration, unless it has what is forbidden.
 * @param origins the line of the template that each line comes from
 * @throws AppError unprocessable with each mistake, its line and the text of that line
 */
export async function checkHaproxyConfig(
  program: string,
  file: string,
  origins: readonly number[],
): Promise<void> {
  const run = promisify(execFile);
  const text = await readFile(file, "utf8");
  const forbidden = forbiddenParts(text).map(({ line, message }) => {
    const origin = origins[(line ?? 1) - 1] ?? line;
    return {
      path: `line ${origin}`,
      code: "forbidden",
      message: `Line ${origin}: ${message}`,
    };
  });
  if (forbidden.length > 0) throw refusal(forbidden);
  try {
    // A configuration can read variables, and what it complains about is shown.
    const env = processEnvironment(process.env);
    await run(program, ["-c", "-f", file], { timeout: CHECK_MS_MAX, env });
  } catch (error) {
    const output = outputOf(error);
    const mistakes = mistakesIn(output, { lines: text.split("\n"), origins });
    throw refusal(mistakes, { output, cause: error });
  }
}

function refusal(fields: FieldError[], { output = "", cause }: Refused = {}): AppError {
  const messages = fields.map(({ message }) => message).join("\n");
  const message = `HAProxy does not accept the configuration.\n${messages || output}`;
  return new AppError("unprocessable", message, { fields, cause });
}

type Refused = { output?: string; cause?: unknown };

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
      const [, parsed, what = text] = /^parsing \[[^\]]*?:(\d+)\] *:? *(.*)$/.exec(text) ?? [];
      const number = parsed === undefined ? lineOfProxy(text, lines) : Number(parsed);
      if (number === undefined) return { path: "", code: "refused", message: text };
      const origin = origins[number - 1] ?? number;
      const line = (lines[number - 1] ?? "").trim();
      const message = `Line ${origin}: ${what.trim()}\n  ${line}`;
      return { path: `line ${origin}`, code: "refused", message };
    });
}

/** Mistakes between sections name a proxy, and what is wrong with it at last: "Proxy 'web': unable to find … 'nowhere'". */
function lineOfProxy(text: string, lines: readonly string[]): number | undefined {
  const [name, ...others] = [...text.matchAll(/'([^']+)'/g)].map(([, quoted = ""]) => quoted);
  const section = sectionsOf(lines.join("\n")).find((it) => it.name !== "" && it.name === name);
  const last = others.at(-1);
  const line = section?.lines.find(({ words }) => last !== undefined && words.includes(last));
  return line?.number ?? section?.number;
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const output = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return output === "" ? error.message : output;
}
