import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { Client } from "pg";
import { z } from "zod";

import type { Capability, Target } from "#access/policy.ts";
import { SetupState } from "#dashboards/api.ts";
import { newId } from "#platform/ids.ts";
import { hashToken, newToken } from "#platform/secrets.ts";

import { type Program, type ProgramOptions, ROOT, startProgram } from "./program.ts";

/** Serves the existing build of the pages; without a build the program does not start. */
export const IS_BUILT = existsSync(path.join(ROOT, ".next/BUILD_ID"));

export const OWNER = {
  name: "Ada Owner",
  email: "ada@example.test",
  password: "correct horse battery staple",
};

export type ControlPlane = Program & {
  url: string;
  /** The one-time link, while there is no owner. */
  setupUrl: string | undefined;
  get(path: string, cookie?: string): Promise<Response>;
};

export type ControlPlaneOptions = Pick<ProgramOptions, "env" | "prefix"> & {
  command?: readonly string[];
  port?: string;
  /** Whether the domain APIs, and the role that deploys, are started beside it. */
  apis?: boolean;
  deploys?: boolean;
};

/** `quarterdeck start` with these arguments, once its boards can be opened. */
export async function startControlPlane(
  args: readonly string[],
  {
    command = ["start"],
    port = "0",
    apis = false,
    deploys = false,
    env,
    ...options
  }: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const without = [...(apis ? [] : ["--no-apis"]), ...(deploys ? [] : ["--no-deploys"])];
  const alone = command[0] === "start" ? without : [];
  const program = startProgram([...command, "--port", port, ...alone, ...args], {
    ...options,
    // Many of them run at the same time.
    env: { QUARTERDECK_PUSH_PORT: "off", ...env },
  });
  try {
    const url = await program.printed(/Quarterdeck is at (\S+)\n/);
    const setup = SetupState.parse(await (await fetch(`${url}/api/setup`)).json());
    return {
      ...program,
      url,
      setupUrl: setup.open ? await program.printed(/(\S+\/setup\?token=\S+)\n/) : undefined,
      get: (target, cookie) =>
        fetch(`${url}${target}`, {
          headers: cookie === undefined ? {} : { cookie },
          redirect: "manual",
        }),
    };
  } catch (error) {
    await program.end("SIGKILL");
    throw error;
  }
}

/** Creates the first owner through the one-time link; returns the session cookie as `name=value`. */
export async function createOwner({ url, setupUrl = url }: ControlPlane): Promise<string> {
  const token = new URL(setupUrl).searchParams.get("token");
  const response = await postJson(`${url}/api/setup`, { ...OWNER, token });
  if (response.status !== 201) throw new Error(`no owner was created: ${await response.text()}`);
  return cookieOf(response);
}

/** Signs the owner in again; returns the session cookie as `name=value`. */
export async function signInOwner(url: string): Promise<string> {
  const { email, password } = OWNER;
  const response = await postJson(`${url}/api/session`, { email, password });
  if (response.status !== 201) throw new Error(`no sign-in: ${await response.text()}`);
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

/** A sample of `/metrics`, by its name without labels. */
export async function metricOf({ get }: ControlPlane, name: string): Promise<number> {
  const text = await (await get("/metrics")).text();
  const sample = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  if (sample === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(sample);
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
  const client = new Client({
    host: "127.0.0.1",
    port: postgresOf(data).port,
    user: "quarterdeck",
    password: readFileSync(path.join(data, "postgres", "password"), "utf8").trim(),
    database: "postgres",
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

type Grant = { capability: Capability; target: Target };

/** Adds a member with grants and a session to the database, because no page does yet; returns the session cookie. */
export async function addMember(
  data: string,
  name: string,
  grants: readonly Grant[],
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
