import { existsSync, readFileSync } from "node:fs";

import { z } from "zod";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { apiPortSettings, apiUrlSettings } from "#api/kit/settings.ts";
import { AppError } from "#platform/errors.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { printable } from "#platform/terminal.ts";

import { rootKeyFile } from "../apis/installation.ts";
import { apiHostSettings } from "../settings.ts";
import type { Command } from "./command.ts";
import { documentTable } from "./document-table.ts";
import { type Options, environmentWith, parseOptions } from "./options.ts";

const WAIT_MS_MAX = 30_000;
const PAGE_SIZE = 100;

const Job = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  attempts: z.number(),
  runAt: z.string(),
  lastError: z.string().nullable(),
});
const Page = z.object({ items: z.array(Job), next: z.string().nullable() });
const Problem = z.object({ detail: z.string() });

export const jobsCommand: Command = {
  name: "jobs",
  summary: "List, show, retry and drop background jobs of a domain API",
  help: `quarterdeck jobs SERVICE list [waiting|running|failed] [--port N] [--data DIR]
quarterdeck jobs SERVICE show|retry|drop ID [--port N] [--data DIR]

Calls the running API of SERVICE (${SERVICE_NAMES.join(", ")}) with the root key in API_ROOT_KEY, else
the one in api/root-key of the data folder.

  list   jobs in the order in which they were added; default: jobs in any state
  show   one job with its payload, with secrets redacted
  retry  runs a failed or waiting job at once
  drop   removes a failed or waiting job, so that it never runs

  --port N    the port of the API on this machine (default: from API_SERVICE_URL or API_SERVICE_PORT, else 4601 for
              accounts to 4605 for reporting)
  --data DIR  the data folder (default: QUARTERDECK_DATA, else ./data)

  quarterdeck jobs billing list failed
  quarterdeck jobs billing retry 42`,

  async run(args) {
    const { values, positionals } = parseOptions(args);
    const [name, action = "", subject, surplus] = positionals;
    const service = SERVICE_NAMES.find((it) => it === name);
    if (service === undefined || surplus !== undefined) throw misused();
    const api = connect(service, values);
    if (action === "list") await list(api, subject);
    else if (subject === undefined) throw misused();
    else await act(api, action, `/v1/jobs/${encodeURIComponent(subject)}`);
    return 0;
  },
};

const misused = (): AppError =>
  new AppError(
    "bad_request",
    `name one of ${SERVICE_NAMES.join(", ")} and what to do, such as: quarterdeck jobs billing list failed`,
  );

type Api = (method: string, path: string) => Promise<unknown>;

async function act(api: Api, action: string, path: string): Promise<void> {
  switch (action) {
    case "show":
      return write(documentTable(z.record(z.string(), z.unknown()).parse(await api("GET", path))));
    case "retry":
      return write(lineOf(Job.parse(await api("POST", `${path}/retry`))));
    case "drop":
      await api("DELETE", path);
      return;
    default:
      throw misused();
  }
}

async function list(api: Api, state: string | undefined): Promise<void> {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (state !== undefined) query.set("state", state);
  for (;;) {
    const { items, next } = Page.parse(await api("GET", `/v1/jobs?${query.toString()}`));
    for (const job of items) write(lineOf(job));
    if (next === null) return;
    query.set("cursor", next);
  }
}

const write = (text: string): void => void process.stdout.write(text);

function lineOf({ id, kind, state, attempts, runAt, lastError }: z.infer<typeof Job>): string {
  const error = lastError === null ? "" : `  ${lastError.split("\n")[0]}`;
  const line = `${id.padStart(6)}  ${state.padEnd(7)}  ${kind.padEnd(20)}  ${runAt}  attempts: ${attempts}${error}`;
  return `${printable(line)}\n`;
}

/** Uses the routes instead of the database: they redact secrets, write the access log and validate the data. */
function connect(service: ServiceName, values: Options["values"]): Api {
  const groups = {
    host: apiHostSettings,
    api: { url: apiUrlSettings[service], port: apiPortSettings[service] },
  };
  const { host, api } = parseSettings(
    groups,
    environmentWith(values, apiPortSettings[service].variable),
  );
  const local = `http://127.0.0.1:${api.port}`;
  const base = values["port"] === undefined ? (api.url ?? local) : local;
  const authorization = `Bearer ${host.rootKey ?? storedRootKey(host.dataFolder)}`;
  return async (method, path) => {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { authorization },
      signal: AbortSignal.timeout(WAIT_MS_MAX),
    }).catch((error: unknown) => {
      const message = `The ${service} API does not answer at ${base}: start it, or name its port with --port.`;
      throw new AppError("unavailable", message, { cause: error });
    });
    const text = await response.text();
    if (!response.ok) throw refusalOf(response.status, text);
    return text === "" ? undefined : JSON.parse(text);
  };
}

function storedRootKey(dataFolder: string): string {
  const file = rootKeyFile(dataFolder);
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const message = `There is no root key in ${file}: name the data folder with --data, or set API_ROOT_KEY.`;
  throw new AppError("bad_request", message);
}

function refusalOf(status: number, text: string): AppError {
  const { data } = Problem.safeParse(jsonOf(text));
  const message = data?.detail ?? `The API answered ${status}.`;
  return new AppError(status === 400 ? "bad_request" : "conflict", message);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
