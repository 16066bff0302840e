import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { setTimeout as delay } from "node:timers/promises";

import { wholeLines } from "./whole-lines.ts";

const STOP_MS_MAX = 20_000;
const RESTART_MS = { first: 500, max: 30_000 };

export type ChildOptions = {
  /** Its name in messages to people. */
  name: string;
  /** The module that it runs; it ends when its IPC channel is disconnected. */
  module: string;
  args?: readonly string[];
  /** Its whole environment: nothing is inherited except the compile cache. */
  env: NodeJS.ProcessEnv;
  /** Receives whole lines of its stdout; "directly": it writes to the stdout of this process. */
  writeLines: ((lines: string) => void) | "directly";
  /** Receives messages for people. */
  notify(line: string): void;
};

/** A child process that is restarted when it ends by itself. */
export function startChild(options: ChildOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  async function run(): Promise<void> {
    for (let waitMs = RESTART_MS.first; ; waitMs = Math.min(waitMs * 2, RESTART_MS.max)) {
      const started = forkChild(options);
      child = started;
      await once(started, "exit");
      if (stopping.signal.aborted) return;
      const { exitCode, signalCode, pid } = started;
      options.notify(
        `${options.name} (process ${pid}) ended with ${signalCode ?? exitCode} and will be restarted.`,
      );
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      if (child?.connected) child.disconnect();
      const late = setTimeout(() => child?.kill("SIGKILL"), STOP_MS_MAX);
      await running;
      clearTimeout(late);
    },
  };
}

function forkChild({ module, args = [], env, writeLines }: ChildOptions): ChildProcess {
  const cache = getCompileCacheDir();
  const child = fork(module, [...args], {
    env: { ...env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
    stdio: ["ignore", writeLines === "directly" ? "inherit" : "pipe", "inherit", "ipc"],
    execArgv: [],
  });
  if (child.stdout && writeLines !== "directly") wholeLines(child.stdout, writeLines);
  child.on("error", () => undefined);
  return child;
}
