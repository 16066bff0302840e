import { readFileSync } from "node:fs";

import type { z } from "zod";

import { AppError } from "../errors.ts";

/** An environment variable that a module reads. */
export type Setting = {
  variable: string;
  /** Parses the text of the variable; its error messages state what to write instead. */
  schema: z.ZodType;
  /** Its documentation in `.env.example`. */
  description: string;
  /** The text if the variable is not set. Without a default the value is then undefined. */
  default?: string;
  /** Never printed; may be read from the file in `<VARIABLE>_FILE`. */
  secret?: true;
};

/** The settings of one module, by the names of their values. */
export type SettingGroup = Readonly<Record<string, Setting>>;

/** The values of a group. */
export type SettingsOf<Group extends SettingGroup> = {
  readonly [Name in keyof Group]: Group[Name] extends { default: string }
    ? z.output<Group[Name]["schema"]>
    : z.output<Group[Name]["schema"]> | undefined;
};

/** The settings of several modules by name. */
export type SettingGroups = Readonly<Record<string, SettingGroup>>;

export type Environment = Readonly<Record<string, string | undefined>>;

type ReadFile = (file: string) => string;
const readText: ReadFile = (file) => readFileSync(file, "utf8");

/**
 * Parses groups of settings from environment variables.
 * @throws AppError bad_request that lists every mistake with its variable and what to write instead
 */
export function parseSettings<Groups extends SettingGroups>(
  groups: Groups,
  env: Environment,
  readFile = readText,
): { readonly [Name in keyof Groups]: SettingsOf<Groups[Name]> } {
  const mistakes = new Set<string>();
  const values = Object.entries(groups).map(([name, group]) => [
    name,
    Object.fromEntries(
      Object.entries(group).map(([field, setting]) => [
        field,
        valueOf(setting, { env, readFile, mistakes }),
      ]),
    ),
  ]);
  if (mistakes.size > 0) {
    const list = [...mistakes].map((mistake) => `  ${mistake}`).join("\n");
    const count = mistakes.size === 1 ? "a mistake" : `${mistakes.size} mistakes`;
    throw new AppError("bad_request", `The configuration has ${count}:\n${list}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each value was parsed by the schema of its field
  return Object.fromEntries(values) as { [Name in keyof Groups]: SettingsOf<Groups[Name]> };
}

/** Only those variables of an environment that the groups read. */
export function variablesOf(groups: SettingGroups, env: Environment): Record<string, string> {
  const names = settingsOf(groups).flatMap(({ variable, secret }) =>
    secret ? [variable, `${variable}_FILE`] : [variable],
  );
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The variables of groups whose values are secrets. */
export const secretVariables = (groups: SettingGroups): string[] =>
  settingsOf(groups).flatMap(({ variable, secret }) => (secret ? [variable] : []));

/** Text of `.env.example`: every setting, commented out, with its default. */
export function envExample(groups: SettingGroups): string {
  const head =
    "# All settings of Quarterdeck and their defaults. Generated from the settings.ts files; checked by a test.\n# To read a secret from a file, set the variable with the suffix _FILE to its path.";
  const blocks = settingsOf(groups).map(({ variable, description, default: text = "", secret }) =>
    [`# ${description}`, `# ${variable}=${text}`, ...(secret ? [`# ${variable}_FILE=`] : [])].join(
      "\n",
    ),
  );
  return `${[head, ...blocks].join("\n\n")}\n`;
}

/** Each setting once: several modules may read the same one. */
function settingsOf(groups: SettingGroups): Setting[] {
  const settings = Object.values(groups).flatMap((group) => Object.values(group));
  return [...new Map(settings.map((setting) => [setting.variable, setting])).values()];
}

type From = { env: Environment; readFile: ReadFile; mistakes: Set<string> };

function valueOf(setting: Setting, from: From): unknown {
  const { variable, schema, secret } = setting;
  const text = textOf(setting, from) ?? setting.default;
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  const shown = secret ? "" : `=${JSON.stringify(text)}`;
  for (const { message } of parsed.error.issues) {
    from.mistakes.add(`${variable}${shown}: ${message}`);
  }
  return undefined;
}

function textOf({ variable, secret }: Setting, from: From): string | undefined {
  // Compose files and CI unset a variable by setting it to the empty string.
  const text = from.env[variable] || undefined;
  const file = secret ? from.env[`${variable}_FILE`] || undefined : undefined;
  if (file === undefined) return text;
  if (text !== undefined) {
    from.mistakes.add(`${variable} and ${variable}_FILE are both set: keep one.`);
    return text;
  }
  try {
    return from.readFile(file).trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    from.mistakes.add(`${variable}_FILE: ${file} cannot be read (${why}).`);
    return undefined;
  }
}
