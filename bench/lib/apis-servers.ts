import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";

import { childrenOf } from "../../tests/harness/processes.ts";
import { startService as startProgram } from "../../tests/harness/service.ts";

/** A running server, and the processes whose CPU time is its cost. */
export type Server = AsyncDisposable & { url: string; pids(): number[] };

/** `quarterdeck api NAME` with one worker; its log is written to a file. */
export async function startService(
  service: ServiceName,
  folder: string,
  env: Record<string, string>,
): Promise<Server> {
  const stdout = openSync(path.join(folder, `${service}.ndjson`), "a");
  const args = [service, "--port", "0", "--workers", "1", "--data", folder];
  const running = await startProgram(args, { env, stdout });
  const { child } = running;
  return { ...running, pids: () => [pidOf(child), ...childrenOf(child)] };
}

/** A bare server that sends the same texts. */
export async function startBare(responses: readonly object[]): Promise<Server> {
  const { line, server } = await startScript(new URL("apis-bare.ts", import.meta.url), responses);
  return { url: line, ...server };
}

const Rival = z.object({ url: z.string(), token: z.string() });

/** Fastify with validation, a token check and an access log; requests need the token. */
export async function startFastify(
  task: object,
  folder: string,
): Promise<Server & { token: string }> {
  const logFile = path.join(folder, "fastify.ndjson");
  const { line, server } = await startScript(new URL("apis-fastify.ts", import.meta.url), {
    ...task,
    logFile,
  });
  return { ...Rival.parse(JSON.parse(line)), ...server };
}

/** Starts a script that prints one line when it is ready. */
async function startScript(script: URL, argument: object) {
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(argument)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = child.stdout ? await once(child.stdout, "data") : [""];
  const server = {
    pids: () => [pidOf(child)],
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
  return { line: String(line).trim(), server };
}

const pidOf = ({ pid }: ChildProcess): number => pid ?? 0;
