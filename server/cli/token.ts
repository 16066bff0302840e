import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable } from "#platform/terminal.ts";
import { type PushToken, TokenRequest } from "#receivers/tokens/push-token.ts";
import { addToken, listTokens, removeToken } from "#receivers/tokens/token-file.ts";

import { openDataFolder } from "../data-folder.ts";
import type { Command } from "./command.ts";
import { environmentWith, type Options, parseOptions } from "./options.ts";

export const tokenCommand: Command = {
  name: "token",
  summary: "Make, list and remove the tokens with which logs are pushed",
  help: `quarterdeck token add NAME [--datasets LIST] [--rate N] [--data DIR]
quarterdeck token list [--data DIR]
quarterdeck token remove NAME [--data DIR]

A shipper that pushes logs to QUARTERDECK_PUSH_PORT (default 4680) sends a token: as Authorization: Bearer TOKEN, as the password of a
basic authentication with any user, as an API key of Elasticsearch, or as a token of Splunk. Only a hash of it is stored,
so it is shown once.

  --datasets LIST   the datasets that it may write, such as nginx.*,shop.orders (default: all). Logs with a token for a
                    single dataset are written to that one
  --rate N          events per second; more are refused with 429 (default: no limit)
  --data DIR        the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck token add filebeat
  quarterdeck token add shop --datasets 'shop.*' --rate 5000`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      datasets: { type: "string" },
      rate: { type: "string" },
    });
    const [name = "", ...names] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) {
      throw new AppError("bad_request", "say add, list or remove: quarterdeck token --help");
    }
    const { data } = parseSettings({ data: dataFolderSettings }, environmentWith(values));
    const { root } = openDataFolder(data);
    process.stdout.write(`${await action(root, { values, names })}\n`);
    return 0;
  },
};

type Given = { values: Options["values"]; names: readonly string[] };

const ACTIONS: Readonly<Record<string, (root: string, given: Given) => Promise<string>>> = {
  add,
  list,
  remove,
};

async function add(root: string, { values, names }: Given): Promise<string> {
  const { datasets, rate } = values;
  const parsed = TokenRequest.safeParse({
    name: oneName(names),
    ...(typeof datasets === "string" && { datasets: datasets.split(",") }),
    ...(typeof rate === "string" && { eventsPerSecond: Number(rate) }),
  });
  if (!parsed.success) {
    const [mistake] = parsed.error.issues;
    throw new AppError("bad_request", `${String(mistake?.path[0])}: ${mistake?.message}`);
  }
  const { token, secret } = await addToken(root, parsed.data, systemClock.nowMs());
  return `${describe(token)}\n${secret}\nThis token is not shown again.`;
}

async function list(root: string): Promise<string> {
  const tokens = listTokens(root);
  if (tokens.length === 0) return "There are no tokens: quarterdeck token add NAME";
  return tokens.map(describe).join("\n");
}

async function remove(root: string, { names }: Given): Promise<string> {
  return `Removed: ${describe(await removeToken(root, oneName(names)))}`;
}

function oneName(names: readonly string[]): string {
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  throw new AppError("bad_request", "give one name, such as filebeat");
}

function describe({ id, name, datasets, eventsPerSecond, createdMs }: PushToken): string {
  const rate = eventsPerSecond === null ? "any rate" : `${eventsPerSecond} events/s`;
  const since = new Date(createdMs).toISOString();
  return `${printable(name)} (${id}): datasets ${datasets.join(", ")}; ${rate}; since ${since}`;
}
