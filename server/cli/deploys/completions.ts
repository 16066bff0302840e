import { STRATEGIES } from "#dashboards/deploys/messages.ts";

import { type Completion, startingWith } from "../completion-words.ts";

/** Names known to the role `deploys`; empty while it does not run. */
export type DeployNames = {
  services(): Promise<readonly string[]>;
  /** The last deploys. */
  deploys(): Promise<readonly { id: string; text: string }[]>;
};

const COMMON = ["--reason", "--json", "--url", "--token", "--data"];
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  deploy: [
    "--wait",
    "--strategy",
    "--steps",
    "--observe",
    "--bake",
    "--drain",
    "--tasks",
    "--expand",
    "--contract",
    "--plan",
    "--plan-hash",
    "--key",
  ],
  deploys: ["--service", "--limit", "--watch"],
  edge: ["--version", "--base"],
  freeze: ["--from", "--until", "--start", "--end", "--timezone", "--services"],
};
const COMMAND_OPTIONS = ["--wait", "--version"];
const COMMANDS = ["pause", "resume", "hold", "abort", "rollback", "force"];

/** Completions of the commands about deploys; the words after `quarterdeck`. */
export async function ofDeploys(
  words: readonly string[],
  names: DeployNames,
): Promise<Completion[]> {
  const [command = "", ...args] = words;
  const options = COMMANDS.includes(command) ? COMMAND_OPTIONS : OPTIONS[command];
  if (options === undefined) return [];
  const last = args.at(-1) ?? "";
  if (args.at(-2) === "--strategy") return startingWith(last, STRATEGIES);
  if (args.at(-2) === "--service") return startingWith(last, await names.services());
  if (last.startsWith("-")) return startingWith(last, [...options, ...COMMON]);
  if (Object.hasOwn(NEXT_WORDS, command)) return nextWords(command, args);
  if (args.length > 1) return [];
  const services = command === "deploys" ? [] : startingWith(last, await names.services());
  if (command === "deploy") return services;
  const deploys = (await names.deploys())
    .filter(({ id }) => id.startsWith(last))
    .map(({ id, text }) => ({ text: id, detail: text, isWhole: true }));
  return [...services, ...deploys];
}

/** Words that may follow a word of a command. */
const NEXT_WORDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  freeze: { "": ["add", "list", "remove"] },
  edge: {
    "": ["config", "ban"],
    config: ["show", "check", "diff", "apply", "versions", "rollback"],
    ban: ["url", "tag", "release"],
  },
};

function nextWords(command: string, args: readonly string[]): Completion[] {
  if (args.length > 2) return [];
  return startingWith(args.at(-1) ?? "", NEXT_WORDS[command]?.[args.at(-2) ?? ""] ?? []);
}
