import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Client } from "pg";
import { z } from "zod";

import type { Capability, Target } from "#access/policy.ts";
import { SetupState } from "#dashboards/api.ts";
import { newId } from "#platform/ids.ts";
import { hashToken, newToken } from "#platform/secrets.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const UP_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

/** Pages are served as they were built; without a build the program does not start. */
export const IS_BUILT = existsSync(path.join(ROOT, ".next/BUILD_ID"));

export const OWNER = {
  name: "Ada Owner",
  email: "ada@example.test",
  password: "correct horse battery staple",
};

export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck server "));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** How a command of the terminal ended. */
export type Ended = { code: number | null; output: string };

/** Runs `quarterdeck …` to its end. */
export async function run(args: readonly string[]): Promise<Ended> {
  const child = launch(args);
  const said = outputOf(child);
  await once(child, "close");
  return { code: child.exitCode, output: said() };
}

export type Server = AsyncDisposable & {
  url: string;
  /** The one-time link's token, before there is an owner. */
  setupToken: string | undefined;
  child: ChildProcess;
  output(): string;
  /** Sends the signal and waits for the end; undefined when it had to be killed. */
  end(signal: NodeJS.Signals): Promise<number | null | undefined>;
  get(path: string, cookie?: string): Promise<Response>;
};

/** The real program, as a process of its own. */
export async function startServer(
  args: readonly string[],
  command: readonly string[] = ["start"],
): Promise<Server> {
  const alone = command[0] === "start" ? ["--no-apis"] : [];
  const child = launch([...command, "--port", "0", ...alone, ...args]);
  const output = outputOf(child);
  await until(`the start of ${args.join(" ")}`, () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output()}`);
    return /Quarterdeck is at \S+\n/.test(output());
  });
  const url = /Quarterdeck is at (\S+)/.exec(output())?.[1] ?? "";
  const setup = SetupState.parse(await (await fetch(`${url}/api/setup`)).json());
  if (setup.open) await until("the set-up link", () => /setup\?token=\S+\n/.test(output()));
  const end = async (signal: NodeJS.Signals): Promise<number | null | undefined> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const closed = once(child, "close");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await closed;
    clearTimeout(timer);
    return child.signalCode === "SIGKILL" && signal !== "SIGKILL" ? undefined : child.exitCode;
  };
  return {
    url,
    setupToken: /setup\?token=(\S+)/.exec(output())?.[1],
    child,
    output,
    end,
    get: (asked, cookie) =>
      fetch(`${url}${asked}`, { headers: headers(cookie), redirect: "manual" }),
    [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
  };
}

const headers = (cookie: string | undefined): Record<string, string> =>
  cookie === undefined ? {} : { cookie };

/** Makes the first owner by the link; the cookie of their session. */
export async function signUp({ url, setupToken }: Server): Promise<string> {
  const response = await postJson(`${url}/api/setup`, { ...OWNER, token: setupToken });
  if (response.status !== 201) throw new Error(`no owner was made: ${await response.text()}`);
  return cookieOf(response);
}

export function postJson(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

export const cookieOf = (response: Response): string =>
  response.headers.get("set-cookie")?.split(";")[0] ?? "";

/** A member with these grants and a session, put into the database: no page makes members yet. The session's cookie. */
export async function addMember(
  data: string,
  name: string,
  grants: readonly { capability: Capability; target: Target }[],
): Promise<string> {
  return inDatabase(data, async (client) => {
    const id = newId("mem");
    const token = newToken();
    await client.query(
      "INSERT INTO members (id, email, name, role, created_at) VALUES ($1, $2, $3, 'member', now())",
      [id, `${name}@example.test`, name],
    );
    for (const { capability, target } of grants) {
      await client.query(
        "INSERT INTO grants (id, member_id, capability, target, created_at) VALUES ($1, $2, $3, $4, now())",
        [newId("grt"), id, capability, target],
      );
    }
    await client.query(
      "INSERT INTO sessions (token_hash, member_id, address, created_at, seen_at) VALUES ($1, $2, '127.0.0.1', now(), now())",
      [hashToken(token), id],
    );
    return `quarterdeck_session=${token}`;
  });
}

const EmbeddedServer = z.object({ port: z.int(), process: z.object({ pid: z.int() }) });

/** The embedded PostgreSQL of a data folder. */
export function postgresOf(data: string): z.infer<typeof EmbeddedServer> {
  const file = path.join(data, "postgres", "server.json");
  return EmbeddedServer.parse(JSON.parse(readFileSync(file, "utf8")));
}

export async function inDatabase<T>(
  data: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { port } = postgresOf(data);
  const password = readFileSync(path.join(data, "postgres", "password"), "utf8").trim();
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "quarterdeck",
    password,
    database: "postgres",
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Waits for a condition; fails with what was waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + UP_MS_MAX;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`in vain was waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether a process with that number lives (a zombie does not). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** `count` lines of an access log, one a second, that end now: `/page?n=<number>`, every tenth a 500. */
export function accessLines(count: number, first = 0, endMs = Date.now()): string {
  return Array.from({ length: count }, (_, i) =>
    accessLine(first + i, endMs - (count - i) * 1_000),
  ).join("");
}

export function accessLine(number: number, atMs: number): string {
  const [day = "", time = ""] = new Date(atMs).toISOString().slice(0, 19).split("T");
  const [year, month, date] = day.split("-");
  const name = new Date(atMs).toLocaleString("en", { month: "short", timeZone: "UTC" });
  const status = number % 10 === 0 ? 500 : 200;
  return `198.51.100.${number % 250} - - [${date}/${month === undefined ? "" : name}/${year}:${time} +0000] "GET /page?n=${number} HTTP/1.1" ${status} 12 "-" "Server/1"\n`;
}

function launch(args: readonly string[]): ChildProcess {
  const env = { ...process.env, QUARTERDECK_DATA: "", NODE_OPTIONS: "" };
  return spawn(process.execPath, ["cli.ts", ...args], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function outputOf(child: ChildProcess): () => string {
  let output = "";
  child.stdout?.on("data", (chunk: unknown) => (output += String(chunk)));
  child.stderr?.on("data", (chunk: unknown) => (output += String(chunk)));
  return () => output;
}
