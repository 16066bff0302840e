import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { ServiceName } from "#api/kit/service.ts";

import { childrenOf } from "../../tests/harness/processes.ts";
import { startService as startProgram } from "../../tests/harness/service.ts";

/** A running server, and the processes whose CPU time is its cost. */
export type Server = AsyncDisposable & { url: string; pids(): number[] };

/** `quarterdeck api NAME` with one worker, as it is run; its log goes into a file. */
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

/** A bare server that answers the same texts. */
export async function startBare(answers: readonly object[]): Promise<Server> {
  const file = fileURLToPath(new URL("apis-bare.ts", import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(answers)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = child.stdout ? await once(child.stdout, "data") : [""];
  return {
    url: String(line).trim(),
    pids: () => [pidOf(child)],
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

const pidOf = ({ pid }: ChildProcess): number => pid ?? 0;
