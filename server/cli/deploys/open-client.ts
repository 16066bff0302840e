import { userInfo } from "node:os";

import { AppError } from "#platform/errors.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { environmentWith, type Options } from "../options.ts";
import { type DeploysClient, httpClient } from "./http-deploys.ts";

/** The role takes some seconds to start on a busy machine. */
const CONNECT_MS_MAX = 5_000;

/** Options of every command about deploys. */
export const CLIENT_OPTIONS = {
  url: { type: "string" },
  token: { type: "string" },
  reason: { type: "string" },
  json: { type: "boolean" },
} as const;

export const CLIENT_HELP = `  --data DIR      the data folder of the role deploys (default: QUARTERDECK_DATA, else ./data)
  --url URL       instead, a control plane elsewhere; it needs a token
  --token TOKEN   of quarterdeck token add NAME --deploys …; better in QUARTERDECK_TOKEN, as others can see arguments
  --json          JSON instead of text`;

export type Client = DeploysClient & { actor: string };

/** @throws AppError bad_request without a token */
function openClient(values: Options["values"]): Client {
  const { url, token = process.env["QUARTERDECK_TOKEN"] } = values;
  if (typeof url === "string") {
    if (!URL.canParse(url)) throw new AppError("bad_request", `--url ${url} is not a URL`);
    if (typeof token !== "string" || token === "") {
      throw new AppError("bad_request", "--url needs a token: set QUARTERDECK_TOKEN, or --token");
    }
    // The token tells the control plane who it is.
    return { ...httpClient(url, token), actor: "" };
  }
  const { data } = parseSettings({ data: dataFolderSettings }, environmentWith(values));
  const deploys = followDeploys(data.dataFolder, CONNECT_MS_MAX);
  return { ask: deploys.ask, stop: deploys.stop, actor: `${userInfo().username} (command)` };
}

/** Runs work with a client, which is closed then. */
export async function withClient<Result>(
  values: Options["values"],
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = openClient(values);
  try {
    return await work(client);
  } finally {
    await client.stop();
  }
}

/** What is kept in the audit log. */
export const reasonIn = ({ reason }: Options["values"]): string =>
  typeof reason === "string" ? reason : "by command";
