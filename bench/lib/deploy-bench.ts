import { randomBytes } from "node:crypto";
import path from "node:path";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { DeployDetail } from "#dashboards/deploys/messages.ts";
import type { StartRequest } from "#dashboards/deploys/requests.ts";
import { startEmbedded } from "#platform/postgres/embedded.ts";

import { Chaos } from "./deploy-chaos.ts";
import { LoadProcess } from "./deploy-load-process.ts";
import type { LoadState } from "./deploy-load.ts";
import { DeployRole } from "./deploy-role.ts";
import { type RollBack, rollBackOf } from "./deploy-roll-back.ts";
import { benchScript } from "./deploy-script-bench.ts";
import { seededUniform } from "./random.ts";

const TASKS = 2;
const WAIT_MS = 20_000;
const FIRST_ATTEMPTS_MAX = 3;
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

/** What is taken away from Quarterdeck, or used instead of it, for comparison. */
export const RIVALS = ["no-retry", "no-settle", "state-file", "script"] as const;
type Rival = (typeof RIVALS)[number];

export type BenchOptions = {
  folder: string;
  edge: "local" | "haproxy";
  against: Rival | undefined;
  killsController: boolean;
  clients: number;
  seed: number;
  say(line: string): void;
  /** Ends it early, with all that it started. */
  signal: AbortSignal;
};

/** Settings of the five APIs with their database, and the headers of the one who may everything. */
export type Installation = { env: Record<string, string>; root: Record<string, string> };

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

/** Runs it with the database that all releases share, and removes nothing. */
export async function runBench(
  options: BenchOptions,
  wanted: { deploys: number; requests: number },
): Promise<BenchResult> {
  const database = await startEmbedded(path.join(options.folder, "database"));
  try {
    const rootKey = randomBytes(32).toString("base64url");
    const env = {
      DATABASE_URL: database.url,
      API_ROOT_KEY: rootKey,
      // One caller sends all requests.
      API_REQUESTS_PER_SECOND: "1000000",
      QUARTERDECK_EDGE: options.edge,
      QUARTERDECK_EDGE_PORT: String(20_000 + Math.floor(Math.random() * 20_000)),
    };
    const installation = { env, root: { authorization: `Bearer ${rootKey}` } };
    if (options.against === "script") return await benchScript(options, installation, wanted);
    await using bench = new DeployBench(options, installation);
    return await bench.run(wanted);
  } finally {
    await database.stop();
  }
}

class DeployBench implements AsyncDisposable {
  readonly #options: BenchOptions;
  readonly #role: DeployRole;
  readonly #chaos: Chaos;
  readonly #root: Record<string, string>;
  readonly #load = new LoadProcess();
  readonly #outcomes: Record<string, number> = {};
  readonly #rollBacks: RollBack[] = [];
  readonly #deployS: number[] = [];

  constructor(options: BenchOptions, { env, root }: Installation) {
    const { folder, against, seed, signal } = options;
    this.#options = options;
    const rival = against && new URL(`rivals/${against}.ts`, import.meta.url).href;
    const more = rival === undefined ? {} : { NODE_OPTIONS: `--import ${rival}` };
    const dataFolder = path.join(folder, "data");
    this.#role = new DeployRole({ dataFolder, env: { ...env, ...more }, signal });
    this.#root = root;
    this.#chaos = new Chaos({ ...options, role: this.#role, random: seededUniform(seed) });
  }

  async run({ deploys, requests }: { deploys: number; requests: number }): Promise<BenchResult> {
    const { say, signal } = this.#options;
    const startedMs = performance.now();
    say("first releases …");
    await Promise.all(SERVICE_NAMES.map((name) => this.#deployFirst(name)));
    const served = await this.#role.ask("workloads", {});
    // The first node: the others may be killed, which ends the connections of their own clients.
    const urlOf = (name: ServiceName): string =>
      served.find((it) => it.name === name)?.urls[0] ?? "";
    await this.#load.start(urlOf, { root: this.#root, clients: this.#options.clients });
    let done = 0;
    while (done < deploys || this.#load.requests < requests) {
      const name = SERVICE_NAMES[(done + 1) % SERVICE_NAMES.length] ?? "billing";
      const outcome = await this.#deploy(name, done + 1, { isFirst: false }).catch(
        (error: unknown) => {
          if (!signal.aborted) throw error;
        },
      );
      // What was measured until then is reported.
      if (outcome === undefined) break;
      done += 1;
      const { requests: sent, failed } = this.#load;
      say(`deploy ${done} of ${name}: ${outcome}; ${sent} requests, ${failed} failed`);
    }
    const load = await this.#load.stop();
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
    this.#load.kill();
    await this.#role.stop();
  }

  /** Again if it fails, as a machine that starts all workloads has little time for each. */
  async #deployFirst(name: ServiceName): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#deploy(name, -attempt, { isFirst: true });
      if (outcome === "succeeded") return;
      if (attempt === FIRST_ATTEMPTS_MAX) {
        throw new Error(`the first deploy of ${name}: ${outcome}`);
      }
    }
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
    // It is awaited later; what interrupts both is thrown here.
    chaos.catch(() => undefined);
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
}

const isAt = (state: string, wanted: string): boolean =>
  IN_ORDER.indexOf(state) >= IN_ORDER.indexOf(wanted);
