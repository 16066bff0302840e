import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { ServiceName } from "#api/kit/service.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A running server, and the processes whose CPU time is its cost. */
export type Server = AsyncDisposable & { url: string; pids(): number[] };

/** `quarterdeck api NAME` with one worker, as it is run; its log goes into a file. */
export async function startService(
  service: ServiceName,
  folder: string,
  env: Record<string, string>,
): Promise<Server> {
  const log = openSync(path.join(folder, `${service}.ndjson`), "a");
  const args = ["cli.ts", "api", service, "--port", "0", "--workers", "1", "--data", folder];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", log, "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: unknown) => (said += String(chunk)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", () => {
      const found = /API is at (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`${service} ended: ${said}`)));
  });
  return { url, pids: () => [pidOf(child), ...childrenOf(child)], ...stopping(child) };
}

/** A bare server that answers the same texts. */
export async function startBare(answers: readonly object[]): Promise<Server> {
  const file = fileURLToPath(new URL("apis-bare.ts", import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(answers)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = child.stdout ? await once(child.stdout, "data") : [""];
  return { url: String(line).trim(), pids: () => [pidOf(child)], ...stopping(child) };
}

const stopping = (child: ChildProcess): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  },
});

const pidOf = ({ pid }: ChildProcess): number => pid ?? 0;

const childrenOf = ({ pid }: ChildProcess): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
