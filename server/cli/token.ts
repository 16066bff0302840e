import { userInfo } from "node:os";

import type { z } from "zod";

import {
  DEPLOY_ACTS,
  type DeployToken,
  DeployTokenRequest,
  deployTokens,
  PIPELINE_ACTS,
} from "#access/deploy-token.ts";
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
  summary: "Make, list and remove the tokens of those that push logs or deploy",
  help: `quarterdeck token add NAME [--datasets LIST] [--rate N] [--data DIR]
quarterdeck token add NAME --deploys LIST [--acts LIST] [--data DIR]
quarterdeck token list [--data DIR]
quarterdeck token remove NAME [--data DIR]

A shipper that pushes logs to QUARTERDECK_PUSH_PORT (default 4680) sends a token: as Authorization: Bearer TOKEN, as the password of a
basic authentication with any user, as an API key of Elasticsearch, or as a token of Splunk. A pipeline that deploys sends it to the
control plane as Authorization: Bearer TOKEN. Only a hash of a token is stored, so it is shown once.

  --datasets LIST   the datasets that it may write, such as nginx.*,shop.orders (default: all). Logs with a token for a
                    single dataset are written to that one
  --rate N          events per second; more are refused with 429 (default: no limit)
  --deploys LIST    a token for deploys of these workloads, such as billing,accounts, or '*'
  --acts LIST       what it may do with them: ${DEPLOY_ACTS.join(", ")}
                    (default: ${PIPELINE_ACTS.join(", ")})
  --data DIR        the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck token add filebeat
  quarterdeck token add shop --datasets 'shop.*' --rate 5000
  quarterdeck token add gitlab --deploys billing`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      datasets: { type: "string" },
      rate: { type: "string" },
      deploys: { type: "string" },
      acts: { type: "string" },
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

async function add(root: string, given: Given): Promise<string> {
  return given.values["deploys"] === undefined
    ? addPushToken(root, given)
    : addDeployToken(root, given);
}

async function addDeployToken(root: string, { values, names }: Given): Promise<string> {
  const { deploys, acts } = values;
  const request = readRequest(DeployTokenRequest, {
    name: oneName(names),
    workloads: String(deploys).split(","),
    ...(typeof acts === "string" && { acts: acts.split(",") }),
  });
  const by = { createdBy: `${userInfo().username} (command)` };
  const { token, secret } = await deployTokens.add(
    root,
    { ...request, ...by },
    systemClock.nowMs(),
  );
  return `${describeDeploys(token)}\n${secret}\nThis token is not shown again.`;
}

async function addPushToken(root: string, { values, names }: Given): Promise<string> {
  const { datasets, rate } = values;
  const request = readRequest(TokenRequest, {
    name: oneName(names),
    ...(typeof datasets === "string" && { datasets: datasets.split(",") }),
    ...(typeof rate === "string" && { eventsPerSecond: Number(rate) }),
  });
  const { token, secret } = await addToken(root, request, systemClock.nowMs());
  return `${describe(token)}\n${secret}\nThis token is not shown again.`;
}

/** @throws AppError bad_request that names the field */
function readRequest<Request>(schema: z.ZodType<Request>, value: unknown): Request {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [mistake] = parsed.error.issues;
  throw new AppError("bad_request", `${String(mistake?.path[0])}: ${mistake?.message}`);
}

async function list(root: string): Promise<string> {
  const lines = [
    ...listTokens(root).map(describe),
    ...deployTokens.list(root).map(describeDeploys),
  ];
  if (lines.length === 0) return "There are no tokens: quarterdeck token add NAME";
  return lines.join("\n");
}

async function remove(root: string, { names }: Given): Promise<string> {
  const name = oneName(names);
  const isIt = (token: { id: string; name: string }): boolean =>
    token.id === name || token.name === name;
  const [pushes, deploys] = [listTokens(root).some(isIt), deployTokens.list(root).some(isIt)];
  if (pushes && deploys) {
    const advice = "give the id of one (quarterdeck token list)";
    throw new AppError("bad_request", `Two tokens are named ${name}: ${advice}.`);
  }
  if (deploys) return `Removed: ${describeDeploys(await deployTokens.remove(root, name))}`;
  return `Removed: ${describe(await removeToken(root, name))}`;
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

function describeDeploys({ id, name, workloads, acts, ...made }: DeployToken): string {
  const since = new Date(made.createdMs).toISOString();
  const by = made.createdBy === null ? "" : ` by ${printable(made.createdBy)}`;
  return `${printable(name)} (${id}): deploys ${workloads.join(", ")}; may ${acts.join(", ")}; since ${since}${by}`;
}
