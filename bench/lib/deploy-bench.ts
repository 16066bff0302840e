import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { DeployDetail } from "#dashboards/deploys/messages.ts";
import type { StartRequest } from "#dashboards/deploys/requests.ts";
import { type EmbeddedServer, startEmbedded } from "#platform/postgres/embedded.ts";

import { Chaos } from "./deploy-chaos.ts";
import type { LoadedWorkload, LoadOrder, LoadState } from "./deploy-load.ts";
import { ASKS } from "./deploy-requests.ts";
import { DeployRole } from "./deploy-role.ts";
import { type RollBack, rollBackOf } from "./deploy-roll-back.ts";
import { seededUniform } from "./random.ts";

const TASKS = 2;
const WAIT_MS = 20_000;
/** Each n-th deploy is rolled back, in turn in each state that allows it, or in the first one after it that is seen. */
const ROLL_BACK_EVERY = 3;
const ROLL_BACK_IN = ["baking", "analysing", "committing", "draining-old", "shifting"] as const;
const IN_ORDER = ["shifting", "analysing", "baking", "committing", "draining-old"];
const STRATEGY: StartRequest["strategy"] = {
  kind: "blue-green",
  stepsBp: [100, 1_000, 5_000],
  analyseMs: 500,
  requestsMin: 0,
  bakeMs: 1_000,
  drainMs: 10_000,
  warmUp: false,
};

export type BenchOptions = {
  folder: string;
  edge: "local" | "haproxy";
  killsController: boolean;
  clients: number;
  seed: number;
  say(line: string): void;
};

export type BenchResult = {
  options: BenchOptions;
  load: LoadState;
  deploys: number;
  /** By outcome. */
  outcomes: Record<string, number>;
  rollBacks: RollBack[];
  /** From the request until the end. */
  deployS: number[];
  chaos: Record<string, number>;
  controllerKills: number;
  seconds: number;
};

export class DeployBench implements AsyncDisposable {
  readonly #options: BenchOptions;
  readonly #database: EmbeddedServer;
  readonly #role: DeployRole;
  readonly #chaos: Chaos;
  readonly #root: Record<string, string>;
  readonly #outcomes: Record<string, number> = {};
  readonly #rollBacks: RollBack[] = [];
  readonly #deployS: number[] = [];
  #load: ChildProcess | undefined;
  #state: LoadState | undefined;

  private constructor(
    options: BenchOptions,
    parts: { database: EmbeddedServer; role: DeployRole; rootKey: string },
  ) {
    this.#options = options;
    this.#database = parts.database;
    this.#role = parts.role;
    this.#root = { authorization: `Bearer ${parts.rootKey}` };
    this.#chaos = new Chaos({ ...options, role: parts.role, random: seededUniform(options.seed) });
  }

  static async open(options: BenchOptions): Promise<DeployBench> {
    const { folder, edge } = options;
    const database = await startEmbedded(path.join(folder, "database"));
    const rootKey = randomBytes(32).toString("base64url");
    const role = new DeployRole(path.join(folder, "data"), {
      DATABASE_URL: database.url,
      API_ROOT_KEY: rootKey,
      // One caller sends all requests.
      API_REQUESTS_PER_SECOND: "1000000",
      QUARTERDECK_EDGE: edge,
      QUARTERDECK_EDGE_PORT: String(20_000 + Math.floor(Math.random() * 20_000)),
    });
    return new DeployBench(options, { database, role, rootKey });
  }

  async run({ deploys, requests }: { deploys: number; requests: number }): Promise<BenchResult> {
    const { say } = this.#options;
    const startedMs = performance.now();
    say("first releases …");
    for (const name of SERVICE_NAMES) {
      const outcome = await this.#deploy(name, 0, { isFirst: true });
      if (outcome !== "succeeded") throw new Error(`the first deploy of ${name}: ${outcome}`);
    }
    await this.#startLoad();
    let done = 0;
    for (let at = 1; at <= deploys || this.#requests < requests; at += 1) {
      const name = SERVICE_NAMES[at % SERVICE_NAMES.length] ?? "billing";
      const outcome = await this.#deploy(name, at, { isFirst: false });
      done += 1;
      const failed = Object.values(this.#state?.failed ?? {}).reduce(
        (sum, count) => sum + count,
        0,
      );
      say(`deploy ${at} of ${name}: ${outcome}; ${this.#requests} requests, ${failed} failed`);
    }
    const load = await this.#stopLoad();
    return {
      options: this.#options,
      load,
      deploys: done,
      outcomes: this.#outcomes,
      rollBacks: this.#rollBacks,
      deployS: this.#deployS,
      chaos: this.#chaos.counts,
      controllerKills: this.#role.kills,
      seconds: (performance.now() - startedMs) / 1_000,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#load?.kill("SIGKILL");
    await this.#role.stop();
    await this.#database.stop();
  }

  get #requests(): number {
    return this.#state?.requests ?? 0;
  }

  async #deploy(name: ServiceName, at: number, { isFirst }: { isFirst: boolean }): Promise<string> {
    const release = `r${at}`;
    const startedMs = performance.now();
    const { id } = await this.#role.ask("start", {
      workload: name,
      release,
      count: TASKS,
      strategy: STRATEGY,
      migrations: { expand: false, contract: false },
      reason: "bench",
      actor: "bench",
      key: `${name}-${release}`,
    });
    const isRolledBack = !isFirst && at % ROLL_BACK_EVERY === 0;
    const rollsBackIn = ROLL_BACK_IN[(at / ROLL_BACK_EVERY) % ROLL_BACK_IN.length] ?? "baking";
    const chaos = isFirst
      ? Promise.resolve()
      : this.#chaos.during(name, at, () => this.#read(id, 0));
    let seen = await this.#read(id, 0);
    let askedMs: number | undefined;
    while (seen.deploy.outcome === null) {
      if (isRolledBack && askedMs === undefined && isAt(seen.deploy.state, rollsBackIn)) {
        askedMs = Date.now();
        await this.#role
          .ask("command", { id, kind: "roll-back", reason: "bench", actor: "bench" })
          .catch((error: unknown) => this.#options.say(`  roll-back: ${String(error)}`));
      }
      if (seen.deploy.isHeld) {
        this.#options.say(`  held: ${seen.deploy.reason}`);
        await this.#role
          .ask("command", { id, kind: "resume", reason: "bench", actor: "bench" })
          .catch(() => undefined);
      }
      seen = await this.#read(id, seen.deploy.version);
    }
    await chaos;
    const { outcome, reason } = seen.deploy;
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    this.#deployS.push((performance.now() - startedMs) / 1_000);
    if (askedMs !== undefined) await this.#measure(seen, askedMs);
    return reason === null ? outcome : `${outcome} (${reason})`;
  }

  async #measure(seen: DeployDetail, askedMs: number): Promise<void> {
    const { effects } = await this.#role.ask("effects", { id: seen.deploy.id });
    const rollBack = rollBackOf(seen, effects, askedMs);
    if (rollBack !== undefined) this.#rollBacks.push(rollBack);
  }

  #read = (id: string, after: number): Promise<DeployDetail> =>
    this.#role.ask("deploy", { id, after, waitMs: WAIT_MS });

  async #startLoad(): Promise<void> {
    const served = await this.#role.ask("workloads", {});
    const workloads = await Promise.all(
      SERVICE_NAMES.map(async (name): Promise<LoadedWorkload> => {
        // The first node: the others may be killed, which ends the connections of their own clients.
        const url = served.find((it) => it.name === name)?.urls[0];
        if (url === undefined) throw new Error(`the edge does not serve ${name}`);
        return { name, url, asks: await ASKS[name](url, this.#root) };
      }),
    );
    const module = fileURLToPath(new URL("deploy-load.ts", import.meta.url));
    const load = fork(module, { execArgv: [] });
    load.on("message", (state: LoadState) => (this.#state = state));
    load.send({ order: "start", workloads, clients: this.#options.clients } satisfies LoadOrder);
    this.#load = load;
    while (this.#requests < 500) await delay(100);
  }

  async #stopLoad(): Promise<LoadState> {
    const load = this.#load;
    if (load === undefined || this.#state === undefined) throw new Error("there is no load");
    load.send({ order: "stop" } satisfies LoadOrder);
    await once(load, "disconnect");
    return this.#state;
  }
}

const isAt = (state: string, wanted: string): boolean =>
  IN_ORDER.indexOf(state) >= IN_ORDER.indexOf(wanted);
