import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { DeployDetail } from "#dashboards/deploys/messages.ts";
import { LocalProcess } from "#deployer/edge/processes/local-process.ts";

import type { DeployRole } from "./deploy-role.ts";
import { dumpState } from "./dump-state.ts";
import { killTask } from "./kill-task.ts";

const POLL_MS = 50;
const KILL_AFTER_MS_MAX = 12_000;
const RESTART_DATABASE_EVERY = 4;
const RELOAD_EVERY = 2;
const KILL_CACHE_EVERY = 5;
const KILL_NODE_EVERY = 7;

type ChaosOptions = {
  folder: string;
  edge: "local" | "haproxy";
  killsController: boolean;
  against: string | undefined;
  say(line: string): void;
  signal: AbortSignal;
  role: DeployRole;
  /** From 0 to 1. */
  random(): number;
};

/** What is killed and restarted while a workload is deployed. */
export class Chaos {
  readonly counts: Record<string, number> = { task: 0, database: 0 };
  readonly #options: ChaosOptions;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /** Resolves when all of it is done. */
  async during(workload: string, at: number, read: () => Promise<DeployDetail>): Promise<void> {
    const { killsController, edge } = this.#options;
    const hasServers = edge === "haproxy";
    await Promise.all([
      this.#killServingTask(workload, read),
      killsController ? this.#killController() : undefined,
      at % RESTART_DATABASE_EVERY === 0 ? this.#restartDatabase() : undefined,
      hasServers && at % RELOAD_EVERY === 0 ? this.#signal("haproxy lb1", "SIGUSR2") : undefined,
      hasServers && at % KILL_CACHE_EVERY === 0
        ? this.#signal("varnishd cache1", "SIGKILL")
        : undefined,
      // Clients connect to the other node; this one is reached through the caches.
      hasServers && at % KILL_NODE_EVERY === 0 ? this.#signal("haproxy lb2", "SIGKILL") : undefined,
    ]);
  }

  /** A task of either colour, while both have a share of the requests. */
  async #killServingTask(workload: string, read: () => Promise<DeployDetail>): Promise<void> {
    const { role, random } = this.#options;
    for (;;) {
      const { deploy } = await read();
      if (deploy.outcome !== null) return;
      if (deploy.shareBp > 0) break;
      await delay(POLL_MS);
    }
    const { services } = await role.ask("fleet", {});
    const serving = services
      .filter((it) => it.workload === workload)
      .flatMap(({ tasks }) => tasks)
      .filter(({ status, health }) => status === "RUNNING" && health === "HEALTHY");
    const task = serving[Math.floor(random() * serving.length)];
    if (task === undefined) return;
    killTask(this.#options.folder, task.id);
    this.#count("task");
  }

  async #killController(): Promise<void> {
    await this.#pause();
    await this.#options.role.kill();
  }

  async #restartDatabase(): Promise<void> {
    await this.#pause();
    const file = path.join(
      this.#options.folder,
      "database",
      "postgres",
      "cluster",
      "postmaster.pid",
    );
    // As `pg_ctl stop --mode fast` does; the one who started it starts it again.
    process.kill(Number.parseInt(readFileSync(file, "utf8"), 10), "SIGINT");
    this.#count("database");
  }

  /** To a server of the edge, which is started again if that kills it. */
  async #signal(server: string, signal: NodeJS.Signals): Promise<void> {
    await this.#pause();
    const [name = "", id = ""] = server.split(" ");
    const at = path.join(this.#options.folder, "data", "deploys", "edge", id);
    const { pid } = new LocalProcess({ folder: at, name, command: [] });
    if (pid === undefined) return;
    if (this.#options.against === "state-file" && signal === "SIGUSR2") await dumpState(at);
    process.kill(pid, signal);
    this.#count(`${server} ${signal}`);
  }

  async #pause(): Promise<void> {
    const { random, signal } = this.#options;
    await delay(random() * KILL_AFTER_MS_MAX, undefined, { signal });
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}
