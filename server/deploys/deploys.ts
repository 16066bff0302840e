import type { PlanRequest } from "#dashboards/deploys/requests.ts";
import type { Deployer } from "#deployer/engine/deployer.ts";
import type { NewRequest } from "#deployer/engine/requests.ts";
import type { Journal } from "#deployer/journal/port.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import type { Strategy } from "#deployer/machine/strategy.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Changes } from "./changes.ts";
import type { Edge } from "./edge-port.ts";
import type { EdgeWatch } from "./edge-watch.ts";
import { removedStatus, removedText } from "./removed-workload.ts";
import { completed } from "./requests.ts";
import type { DeploysService } from "./service.ts";
import { detailOf, workloadOf } from "./views/detail.ts";
import { effectOf } from "./views/effects.ts";
import { sentencesOf } from "./views/plan.ts";
import { summaryOf } from "./views/summary.ts";
import type { ManagedWorkloads } from "./workloads/all-workloads.ts";

export type DeploysDeps = {
  deployer: Deployer;
  journal: Journal;
  workloads: ManagedWorkloads;
  changes: Changes;
  defaults: Strategy;
  /** Starts the edge unless it runs already. */
  startEdge(): Promise<void>;
  edge: Pick<Edge, "urlsOf">;
  edgeWatch: Pick<EdgeWatch, "problemsOf">;
  clock: Clock;
};

type Verbs = "workloads" | "plan" | "start" | "list" | "deploy" | "effects" | "command";

/** What people and pipelines do with deploys. */
export function deploysOf(deps: DeploysDeps): Pick<DeploysService, Verbs> {
  const { deployer, journal, workloads, changes, clock } = deps;
  return {
    workloads: async () =>
      deployer.workloads.map((name) =>
        workloadOf(deployer.status(name), {
          freeze: deployer.frozen(name),
          urls: deps.edge.urlsOf(name),
          problems: deps.edgeWatch.problemsOf(name),
        }),
      ),
    plan: async (request) => planOf(request, deps),
    async start({ actor, reason, key, planHash, ...request }) {
      const whole = { ...requestOf(request, deps), actor, reason };
      await deps.startEdge();
      return summaryOf(await deployer.request({ ...whole, ...given({ key, planHash }) }));
    },
    async list({ workload, workloads: among, before = Number.MAX_SAFE_INTEGER, limit }) {
      const page = { before, limit };
      const found =
        among === undefined
          ? await journal.history({ ...page, ...given({ workload }) })
          : await historyOf(journal, among, page);
      // One that was removed from the files still has deploys.
      if (workload !== undefined && found.length === 0) workloads.find(workload);
      const deploys = found.map(summaryOf);
      const last = deploys.at(-1);
      return { deploys, next: deploys.length === limit && last ? last.place : null };
    },
    async deploy({ id, after, waitMs = 0 }) {
      let deploy = await findDeploy(journal, id);
      if (after !== undefined && deploy.version <= after && deploy.times.doneMs === null) {
        await changes.after(id, after, waitMs);
        deploy = await findDeploy(journal, id);
      }
      const isKnown = deployer.workloads.includes(deploy.workload);
      const status = isKnown ? deployer.status(deploy.workload) : removedStatus(deploy);
      return detailOf(deploy, status, clock.nowMs());
    },
    async effects({ id }) {
      await findDeploy(journal, id);
      return { effects: (await journal.effects(id)).map(effectOf) };
    },
    async command({ id, kind, actor, reason, version }) {
      const deploy = await findDeploy(journal, id);
      if (deploy.times.doneMs === null && !deployer.workloads.includes(deploy.workload)) {
        throw new AppError("conflict", removedText(deploy));
      }
      return summaryOf(await deployer.command(id, { kind, actor, reason }, version));
    },
  };
}

/** @throws AppError not_found */
export async function findDeploy(journal: Pick<Journal, "deploy">, id: string): Promise<Deploy> {
  const deploy = await journal.deploy(id);
  if (deploy === undefined) throw new AppError("not_found", `There is no deploy ${id}.`);
  return deploy;
}

/** The newest deploys of these workloads. */
async function historyOf(
  journal: Pick<Journal, "history">,
  workloads: readonly string[],
  page: { before: number; limit: number },
): Promise<Deploy[]> {
  const each = workloads.map((workload) => journal.history({ ...page, workload }));
  const all = (await Promise.all(each)).flat();
  return all.toSorted((one, other) => other.place - one.place).slice(0, page.limit);
}

/** A whole request. @throws AppError unprocessable if the release does not exist */
export function requestOf(
  request: PlanRequest,
  { deployer, workloads, defaults }: DeploysDeps,
): Omit<NewRequest, "actor" | "reason"> {
  const managed = workloads.find(request.workload);
  const { workload, seen } = deployer.status(request.workload);
  return completed(request, { managed, workload, fleet: seen.fleet, defaults });
}

function planOf(request: PlanRequest, deps: DeploysDeps) {
  const { deployer, workloads } = deps;
  const { plan, hash } = deployer.plan(requestOf(request, deps));
  const { active, queue } = deployer.status(request.workload);
  const before = [...(active ? [active] : []), ...queue];
  const frozen = deployer.frozen(request.workload);
  return {
    plan,
    hash,
    programs: workloads.find(request.workload).programsOf(request.release),
    sentences: sentencesOf(plan),
    waits: [
      ...(frozen === undefined ? [] : [frozen]),
      ...before.map(
        ({ id, plan: { release } }) => `The deploy of ${release} (${id}) comes before.`,
      ),
    ],
  };
}

/** Without the members that are undefined. */
export const given = <Value extends object>(
  value: Value,
): { [Name in keyof Value]?: Exclude<Value[Name], undefined> } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the others were left out
  Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined)) as never;
