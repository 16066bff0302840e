import { parseArgs } from "node:util";

import { parseConfig, type Config } from "#platform/config.ts";
import { AppError } from "#platform/errors.ts";

type OptionTypes = Record<
  string,
  { type: "string" | "boolean"; multiple?: boolean; short?: string }
>;
export type Options = {
  config: Config;
  values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  positionals: string[];
};

/**
 * Parses a command's arguments. `--data`, `--port` and `--host` are known to all, and win over the environment.
 * @throws AppError that names the argument that is wrong.
 */
export function parseOptions(args: string[], types: OptionTypes = {}): Options {
  const options: OptionTypes = {
    data: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    help: { type: "boolean", short: "h" },
    ...types,
  };
  const { values, positionals } = parsed(args, options);
  const env = { ...process.env };
  for (const [name, variable] of [
    ["data", "QUARTERDECK_DATA"],
    ["port", "QUARTERDECK_PORT"],
    ["host", "QUARTERDECK_HOST"],
  ] as const) {
    const value = values[name];
    if (typeof value === "string") env[variable] = value;
  }
  return { config: parseConfig(env), values, positionals };
}

function parsed(
  args: string[],
  options: OptionTypes,
): { values: Options["values"]; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const strings = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(String) : value,
      ]),
    );
    return { values: strings, positionals };
  } catch (error) {
    throw new AppError("bad_request", error instanceof Error ? error.message : String(error));
  }
}

/** A number option, in its range. */
export function numberOption(
  values: Options["values"],
  name: string,
  range: { fallback: number; min: number; max: number },
): number {
  const text = values[name];
  if (text === undefined) return range.fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= range.min && value <= range.max) return value;
  throw new AppError(
    "bad_request",
    `--${name} ${String(text)}: give a number from ${range.min} to ${range.max}`,
  );
}
