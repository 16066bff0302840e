import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";

import type { LoadedWorkload, LoadOrder, LoadState } from "./deploy-load.ts";
import { ASKS } from "./deploy-requests.ts";

const REQUESTS_MIN = 500;
const POLL_MS = 100;

/** The clients, in a process of their own. */
export class LoadProcess {
  #process: ChildProcess | undefined;
  #state: LoadState | undefined;

  get requests(): number {
    return this.#state?.requests ?? 0;
  }

  get failed(): number {
    return Object.values(this.#state?.failed ?? {}).reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when requests are answered. `urlOf`: where clients reach a workload. */
  async start(
    urlOf: (name: ServiceName) => string,
    { root, clients }: { root: Record<string, string>; clients: number },
  ): Promise<void> {
    const workloads = await Promise.all(
      SERVICE_NAMES.map(async (name): Promise<LoadedWorkload> => {
        const url = urlOf(name);
        return { name, url, asks: await ASKS[name](url, root) };
      }),
    );
    const module = fileURLToPath(new URL("deploy-load.ts", import.meta.url));
    const load = fork(module, { execArgv: [] });
    load.on("message", (state: LoadState) => (this.#state = state));
    load.send({ order: "start", workloads, clients } satisfies LoadOrder);
    this.#process = load;
    while (this.requests < REQUESTS_MIN) await delay(POLL_MS);
  }

  async stop(): Promise<LoadState> {
    const load = this.#process;
    if (load === undefined || this.#state === undefined) throw new Error("there is no load");
    load.send({ order: "stop" } satisfies LoadOrder);
    await once(load, "disconnect");
    return this.#state;
  }

  kill(): void {
    this.#process?.kill("SIGKILL");
  }
}
