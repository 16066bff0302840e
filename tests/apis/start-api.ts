import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { vi } from "vitest";
import { z } from "zod";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WAIT = { timeout: 60_000, interval: 50 };
const STOP_MS_MAX = 30_000;

export type Program = AsyncDisposable & {
  child: ChildProcess;
  /** stdout and stderr so far. */
  out(): string;
  err(): string;
  /** Sends the signal, and resolves with the exit status: null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** The command line as a process of its own. */
export function program(args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, ["cli.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: unknown) => (out += String(chunk)));
  child.stderr.on("data", (chunk: unknown) => (err += String(chunk)));
  const closed = once(child, "close");
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await closed;
    clearTimeout(late);
    return child.exitCode;
  };
  return {
    child,
    out: () => out,
    err: () => err,
    end,
    [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
  };
}

export type Api = Program & { url: string };

/** `quarterdeck api NAME`, when it serves. */
export async function startApi(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Api> {
  const started = program(["api", ...args], env);
  const url = await until("the start", () => {
    if (started.child.exitCode !== null) throw new Error(`it ended: ${started.err()}`);
    return /API is at (\S+)/.exec(started.err())?.[1];
  });
  return { ...started, url };
}

/** Waits until there is something; fails with what was waited for. */
export function until<T>(what: string, find: () => T | undefined | Promise<T | undefined>) {
  return vi
    .waitUntil(async () => {
      const found = await find();
      return found === undefined || found === false ? undefined : { found };
    }, WAIT)
    .then(
      ({ found }) => found,
      (error: unknown) => {
        throw new Error(`in vain was waited for ${what}`, { cause: error });
      },
    );
}

export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck api "));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The processes that a process has started, and that still run. */
function childrenOf({ pid }: Pick<ChildProcess, "pid">): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

export const workersOf = (child: Pick<ChildProcess, "pid">): number[] =>
  childrenOf(child).filter((pid) => commandOf(pid).includes("apis/worker.ts"));

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // It has ended.
  }
}

const Line = z.record(z.string(), z.unknown());
export const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Line.parse(JSON.parse(line)));

export type Load = {
  /** Answers so far. */
  answered(): number;
  /** Whether every client has stopped by itself, since its connection or the port was closed. */
  ended(): boolean;
  stop(): Promise<{
    statuses: Record<number, number>;
    /** Requests that met a connection that broke, by the code of the error. */
    broken: Record<string, number>;
    /** Of these, those that failed again at once. */
    lost: number;
  }>;
};

/** Clients that send one request after the other, each on a connection that it keeps. */
export function load(url: string, options: { clients: number; again: boolean }): Load {
  const statuses: Record<number, number> = {};
  const broken: Record<string, number> = {};
  const state = { stopping: false, answered: 0, running: options.clients, lost: 0 };
  async function client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!state.stopping) {
      const answer = await get(url, agent);
      if (answer.error === "ECONNREFUSED" && !options.again) break;
      if (answer.error !== undefined) {
        count(broken, answer.error);
        if (!options.again) break;
        if ((await get(url, agent)).status !== 200) state.lost += 1;
        continue;
      }
      count(statuses, answer.status);
      state.answered += 1;
      if (answer.closes && !options.again) break;
    }
    agent.destroy();
    state.running -= 1;
  }
  const clients = Array.from({ length: options.clients }, client);
  return {
    answered: () => state.answered,
    ended: () => state.running === 0,
    async stop() {
      state.stopping = true;
      await Promise.all(clients);
      return { statuses, broken, lost: state.lost };
    },
  };
}

function count<Key extends string | number>(counts: Record<Key, number>, key: Key): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

type Answered = { status: number; closes: boolean; error?: string };

function get(url: string, agent: Agent): Promise<Answered> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      resolve({ status: 0, closes: true, error: error.code ?? error.message });
    const sent = request(url, { agent }, (response) => {
      response.on("error", fail);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          closes: response.headers.connection === "close",
        }),
      );
      response.resume();
    });
    sent.on("error", fail);
    sent.end();
  });
}
