import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";
import { z } from "zod";

import { Expressions, gramsOf } from "./expressions.ts";

/** Longer user agents are parsed up to here. */
const CHARACTERS_MAX = 512;
const OTHER = "Other";

const text = z.coerce.string().optional();
const Item = z.object({ regex: z.string(), regex_flag: text }).catchall(text);
const File = z.object({
  user_agent_parsers: z.array(Item),
  os_parsers: z.array(Item),
  device_parsers: z.array(Item),
});
type Item = z.output<typeof Item>;

/** What a user agent says about itself, with the names that Elastic uses. A version is undefined if it has none. */
export type UserAgent = {
  /** `Other` if it is unknown. */
  name: string;
  version: string | undefined;
  osName: string | undefined;
  osVersion: string | undefined;
  /** `Other` if it is unknown, `Spider` for crawlers. */
  device: string;
};

/** Parses user agents with the expressions of uap-core. */
export class UserAgentParser {
  readonly #agents: Expressions<Item>;
  readonly #systems: Expressions<Item>;
  readonly #devices: Expressions<Item>;

  constructor() {
    const path = fileURLToPath(import.meta.resolve("uap-core/regexes.yaml"));
    const file = File.parse(parse(readFileSync(path, "utf8")));
    this.#agents = expressionsOf(file.user_agent_parsers);
    this.#systems = expressionsOf(file.os_parsers);
    this.#devices = expressionsOf(file.device_parsers);
  }

  parse(original: string): UserAgent {
    const agent = original.slice(0, CHARACTERS_MAX);
    const grams = gramsOf(agent);
    const found = this.#agents.first(agent, grams);
    const system = this.#systems.first(agent, grams);
    const device = this.#devices.first(agent, grams);
    const osName = system && valueOf(system, "os_replacement", 1);
    return {
      name: (found && valueOf(found, "family_replacement", 1)) ?? OTHER,
      version: found && versionOf(found, "v"),
      osName: osName === OTHER ? undefined : osName,
      osVersion: system && versionOf(system, "os_v"),
      device: (device && valueOf(device, "device_replacement", 1)) ?? OTHER,
    };
  }
}

type Match = { match: RegExpExecArray; value: Item };

const expressionsOf = (items: readonly Item[]): Expressions<Item> =>
  new Expressions(
    items.map((value) => ({
      expression: new RegExp(value.regex, value.regex_flag),
      value,
    })),
  );

/** `major.minor.patch.build`, as far as they are known. */
function versionOf(found: Match, prefix: "v" | "os_v"): string | undefined {
  const parts: string[] = [];
  for (let part = 1; part <= 4; part += 1) {
    const value = valueOf(found, `${prefix}${part}_replacement`, part + 1);
    if (value === undefined) break;
    parts.push(value);
  }
  return parts.length === 0 ? undefined : parts.join(".");
}

/** The replacement, with what groups matched in place of `$1`, otherwise the group. */
function valueOf({ match, value }: Match, replacement: string, group: number): string | undefined {
  const template = value[replacement];
  const found =
    template === undefined
      ? match[group]
      : template.replaceAll(/\$(\d)/g, (_all, number: string) => match[Number(number)] ?? "");
  const trimmed = found?.trim();
  return trimmed === "" ? undefined : trimmed;
}
