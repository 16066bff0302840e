import { parseArgs } from "node:util";

import { AppError } from "#platform/errors.ts";
import type { Environment } from "#platform/settings/settings.ts";

type OptionTypes = Record<
  string,
  { type: "string" | "boolean"; multiple?: boolean; short?: string }
>;
export type Options = {
  values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  positionals: string[];
};

/**
 * Parses a command's arguments; every command has `--data`, `--port` and `--host`.
 * @throws AppError that names the invalid argument.
 */
export function parseOptions(args: string[], types: OptionTypes = {}): Options {
  const options: OptionTypes = {
    data: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    help: { type: "boolean", short: "h" },
    ...types,
  };
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

/** The environment with the settings: `--data`, `--port` and `--host` override their variables. */
export function environmentWith(
  values: Options["values"],
  portVariable = "QUARTERDECK_PORT",
): Environment {
  const given = { QUARTERDECK_DATA: values["data"], QUARTERDECK_HOST: values["host"] };
  const options = Object.entries({ ...given, [portVariable]: values["port"] });
  const texts = options.filter(
    (option): option is [string, string] => typeof option[1] === "string",
  );
  return { ...process.env, ...Object.fromEntries(texts) };
}

/** A number option within its range. */
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
