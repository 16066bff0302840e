import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { DeployDetail } from "#dashboards/deploys/messages.ts";

import { BAD_KINDS, type BadKind } from "./bad-release-kinds.ts";
import { DeployRole } from "./deploy-role.ts";
import { LightLoad } from "./light-load.ts";

const TASK = fileURLToPath(new URL("bad-release-task.ts", import.meta.url));
const FIRST = "good.0";
const WAIT_MS = 20_000;
const MIGRATIONS = { expand: false, contract: false };
/** Requests to a share are counted by chance: more than five standard deviations are none. */
const DEVIATIONS = 5;

export type BadReleasesOptions = {
  folder: string;
  edge: "local" | "haproxy";
  host: string;
  workloads: number;
  /** How long tasks of the kind `exits` serve. */
  exitS: number;
  say(line: string): void;
  /** Ends it early, with all that it started. */
  signal: AbortSignal;
};

export type BadResult = {
  kind: string;
  deploy: string;
  end: string;
  /** From the start until it was decided how it ends. */
  decisionS: number;
  requests: number;
  exposed: number;
  /** Errors that the release itself answered with. */
  errors: number;
  failed: string[];
  reason: string;
  /** Why it did not end as promised; undefined if it did. */
  fault: string | undefined;
};

type Job = { kind: string; release: string };

/** Workloads with a good release under a light load, to which bad ones are deployed. */
export class BadReleases implements AsyncDisposable {
  readonly dataFolder: string;
  readonly #role: DeployRole;
  readonly #options: BadReleasesOptions;
  readonly #loads: LightLoad[] = [];

  private constructor(options: BadReleasesOptions, role: DeployRole) {
    this.#options = options;
    this.dataFolder = dataFolderOf(options);
    this.#role = role;
  }

  static open(options: BadReleasesOptions): BadReleases {
    const dataFolder = dataFolderOf(options);
    mkdirSync(dataFolder, { recursive: true });
    writeFileSync(path.join(dataFolder, "workloads.yaml"), workloadsFile(options));
    const env = { QUARTERDECK_EDGE: options.edge, QUARTERDECK_EDGE_HOST: options.host };
    const role = new DeployRole({ dataFolder, env, signal: options.signal });
    return new BadReleases(options, role);
  }

  /** Deploys `each` bad releases of each kind, those of different workloads at the same time. */
  async run(kinds: readonly string[], each: number): Promise<BadResult[]> {
    const jobs = Array.from({ length: each }, (_, at) =>
      kinds.map((kind): Job => ({ kind, release: `${kind}.${at + 1}` })),
    ).flat();
    for (const { release } of [...jobs, { release: FIRST }]) {
      mkdirSync(path.join(this.#options.folder, "releases", release), { recursive: true });
    }
    const names = namesOf(this.#options.workloads);
    const results: BadResult[] = [];
    const lane = async (workload: string): Promise<void> => {
      const load = await this.#begin(workload);
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const result = await this.#deployBad(workload, job, load);
        results.push(result);
        this.#options.say(`${result.fault === undefined ? "ok  " : "BAD "} ${lineOf(result)}`);
      }
    };
    await Promise.all(names.map(lane));
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()));
    await this.#role.stop();
  }

  async #begin(workload: string): Promise<LightLoad> {
    const strategy = { requestsMin: 0, bakeMs: 0, warmUp: false };
    const first = { workload, release: FIRST, strategy, migrations: MIGRATIONS };
    const { deploy } = await this.#until(
      await this.#start(first),
      ({ deploy: it }) => it.outcome !== null,
    );
    if (deploy.outcome !== "succeeded") throw new Error(`the first release: ${deploy.reason}`);
    const views = await this.#role.ask("workloads", {});
    const load = new LightLoad(views.find(({ name }) => name === workload)?.urls ?? []);
    this.#loads.push(load);
    return load;
  }

  async #deployBad(workload: string, job: Job, load: LightLoad): Promise<BadResult> {
    const kind = BAD_KINDS[job.kind];
    if (kind === undefined) throw new Error(`there is no kind ${job.kind}`);
    load.watch({ release: job.release, answersWithErrors: kind.answersWithErrors === true });
    const migrations = { ...MIGRATIONS, contract: kind.hasContract === true };
    const asked = { workload, release: job.release, strategy: kind.strategy, migrations };
    const id = await this.#start(asked);
    const decided = await this.#until(id, ({ deploy }) => deploy.outcome !== null || deploy.isHeld);
    const fault = faultOf(decided, kind, load);
    const { requests, exposed, errors, failed } = load.counts;
    if (decided.deploy.isHeld) await this.#endHeld(id, decided);
    return {
      kind: job.kind,
      deploy: id,
      end: endOf(decided),
      decisionS: decisionSOf(decided),
      requests,
      exposed,
      errors,
      failed,
      reason: decided.deploy.reason ?? "",
      fault,
    };
  }

  /** As a person would, so that the next deploy gets its turn. */
  async #endHeld(id: string, { commands }: DeployDetail): Promise<void> {
    const fits = commands.filter(({ refusal }) => refusal === null).map((it) => it.kind);
    const kind = (["roll-back", "abort"] as const).find((it) => fits.includes(it)) ?? "resume";
    await this.#role.ask("command", { id, kind, reason: "the next one", actor: "bench" });
    await this.#until(id, ({ deploy }) => deploy.outcome !== null);
  }

  async #start(request: {
    workload: string;
    release: string;
    strategy: BadKind["strategy"];
    migrations: typeof MIGRATIONS;
  }): Promise<string> {
    const key = `${request.workload}-${request.release}`;
    const common = { reason: "a release", actor: "bench", key };
    return (await this.#role.ask("start", { ...request, ...common })).id;
  }

  async #until(id: string, holds: (detail: DeployDetail) => boolean): Promise<DeployDetail> {
    for (let after = 0; ;) {
      const detail = await this.#role.ask("deploy", { id, after, waitMs: WAIT_MS });
      if (holds(detail)) return detail;
      after = detail.deploy.version;
    }
  }
}

const dataFolderOf = ({ folder }: BadReleasesOptions): string => path.join(folder, "data");
const namesOf = (workloads: number): string[] =>
  Array.from({ length: workloads }, (_, at) => `shop${at + 1}`);

function workloadsFile({ folder, workloads, exitS }: BadReleasesOptions): string {
  const node = JSON.stringify(process.execPath);
  const task = JSON.stringify(TASK);
  const entries = namesOf(workloads).flatMap((name) => [
    `  - name: ${name}`,
    `    command: [${node}, ${task}]`,
    `    contract: [${node}, ${task}, contract]`,
    "    port: 8080",
    `    releases: ${JSON.stringify(path.join(folder, "releases"))}`,
    "    startSeconds: 5",
    `    environment: { TASKS_FOLDER: ${JSON.stringify(path.join(folder, "tasks", name))}, EXIT_S: "${exitS}" }`,
  ]);
  return ["workloads:", ...entries, ""].join("\n");
}

const ENDS = { "rolled-back": "rolled back" } as const;
const endOf = ({ deploy: { isHeld, outcome } }: DeployDetail): string =>
  isHeld ? "held" : outcome === "rolled-back" ? ENDS[outcome] : (outcome ?? "");

const DECISIONS = new Set(["reverting", "draining-new", "finishing", "held"]);

function decisionSOf({ deploy, history }: DeployDetail): number {
  const decided = history.find(({ state }) => DECISIONS.has(state));
  return ((decided?.atMs ?? Number.NaN) - (deploy.startedMs ?? Number.NaN)) / 1_000;
}

function faultOf(detail: DeployDetail, kind: BadKind, load: LightLoad): string | undefined {
  const { deploy, history } = detail;
  const { requests, exposed, failed } = load.counts;
  if (endOf(detail) !== kind.end) return `it was ${endOf(detail)}, not ${kind.end}`;
  if (!kind.reason.test(deploy.reason ?? "")) return `the reason does not match ${kind.reason}`;
  if (failed.length > 0) return failed.slice(0, 3).join("; ");
  const steps = history.filter(({ state }) => state === "shifting").length;
  if (kind.exposedBp === 0 && steps > 0) return "it got traffic";
  if (kind.exposedBp < 10_000 && steps > 1)
    return "it got more than its first share of the traffic";
  const share = kind.exposedBp / 10_000;
  const deviation = Math.sqrt(requests * share * (1 - share));
  const exposedMax = requests * share + DEVIATIONS * deviation;
  return exposed > exposedMax ? `${exposed} of ${requests} requests were exposed` : undefined;
}

/** One line of the table. */
export const lineOf = (it: BadResult): string =>
  [
    it.kind.padEnd(20),
    it.end.padEnd(11),
    `${it.decisionS.toFixed(1)} s`.padStart(7),
    `${it.exposed} of ${it.requests} exposed`.padStart(21),
    `${it.errors} errors`.padStart(9),
    `${it.failed.length} failed`.padStart(8),
    it.fault === undefined ? it.reason : `${it.fault} — ${it.reason}`,
  ].join("  ");
