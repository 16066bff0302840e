import type { DeployAct } from "#access/deploy-token.ts";
import { can } from "#access/policy.ts";
import {
  ACT_CAPABILITIES,
  checkAct,
  MANAGE_DEPLOY_TOKENS,
  type MemberCaller,
  signedInOf,
} from "#access/route.ts";
import type { EdgeAnswer } from "#dashboards/deploys/fleet-messages.ts";
import type { DeploysView, Pages } from "#dashboards/deploys/live-messages.ts";
import type { DeployList } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";

import type { Deploys } from "../follow-deploys.ts";
import { seenFreezes, seenWorkloads } from "../views/seen.ts";

/** Deploys that may still change. */
const NEWEST_MAX = 10;

/** A member who looks at a page, and when. */
export type Viewer = { caller: MemberCaller; nowMs: number };
type Ask = Pick<Deploys, "ask">;
type Of<Name extends DeploysView["page"]> = Extract<DeploysView, { page: Name }>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are its keys
const ACTS = Object.keys(ACT_CAPABILITIES) as DeployAct[];

/** What a page shows to a member. @throws AppError forbidden, not_found or unavailable */
export async function contentOf(
  view: DeploysView,
  viewer: Viewer,
  deploys: Ask,
): Promise<Pages[DeploysView["page"]]> {
  await checkSome(viewer, deploys);
  switch (view.page) {
    case "deploys":
      return listOf(view, viewer, deploys);
    case "deploy":
      return detailOf(view, viewer, deploys);
    case "fleet":
      return fleetOf(view, viewer, deploys);
    case "edge":
      return edgeOf(viewer, deploys);
    case "board":
      return boardOf(viewer, deploys);
  }
}

async function listOf(
  { limit, workload }: Of<"deploys">,
  viewer: Viewer,
  deploys: Ask,
): Promise<Pages["deploys"]> {
  const [all, list, freezes, trains] = await Promise.all([
    deploys.ask("workloads", {}),
    seenDeploys({ limit, workload: workload ?? undefined }, viewer, deploys),
    deploys.ask("freezes", {}),
    deploys.ask("trains", {}),
  ]);
  const { capability, target } = MANAGE_DEPLOY_TOKENS;
  const workloads = all.filter(({ name }) => may(viewer, "see", name));
  return {
    workloads: workloads.map((it) => ({ ...it, may: actsOf(viewer, it.name) })),
    ...list,
    freezes: seenFreezes(
      freezes.map((it) => ({ ...it, mayRemove: mayFreeze(viewer, it.workloads) })),
      (it) => may(viewer, "see", it),
    ),
    trains: trains.filter(({ cars }) => cars.every((it) => may(viewer, "see", it.workload))),
    mayFreezeAll: mayFreeze(viewer, []),
    mayManageTokens: can({ ...signedInOf(viewer.caller), nowMs: viewer.nowMs }, capability, target),
  };
}

/** The newest deploys of workloads that the viewer may see; none of a workload that is not known. */
async function seenDeploys(
  page: { limit: number; workload?: string | undefined },
  viewer: Viewer,
  deploys: Ask,
): Promise<DeployList> {
  const isSeen = (workload: string | undefined): boolean => may(viewer, "see", workload);
  const among = page.workload === undefined ? await seenWorkloads(deploys, isSeen) : {};
  try {
    const list = await deploys.ask("list", { ...page, ...among });
    return { ...list, deploys: list.deploys.filter((it) => isSeen(it.workload)) };
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return { deploys: [], next: null };
    throw error;
  }
}

async function detailOf(
  { id }: Of<"deploy">,
  viewer: Viewer,
  deploys: Ask,
): Promise<Pages["deploy"]> {
  const detail = await deploys.ask("deploy", { id });
  const { workload } = detail.deploy;
  checkAct(viewer.caller, "see", { workload, nowMs: viewer.nowMs });
  const { effects } = await deploys.ask("effects", { id });
  return { ...detail, effects, may: actsOf(viewer, workload) };
}

async function fleetOf(view: Of<"fleet">, viewer: Viewer, deploys: Ask): Promise<Pages["fleet"]> {
  const { place, services: all } = await deploys.ask("fleet", {});
  const services = all.filter(({ workload }) => may(viewer, "see", workload));
  const { task, container } = view;
  if (task === null) return { place, services, log: null, logProblem: null };
  const isSeen = services.some(({ tasks }) => tasks.some(({ id }) => id === task));
  if (!isSeen) return { place, services, log: null, logProblem: "This task is no longer known." };
  try {
    const log = await deploys.ask("taskLog", { task, container: container ?? undefined });
    return { place, services, log, logProblem: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { place, services, log: null, logProblem: error.message };
  }
}

async function edgeOf(viewer: Viewer, deploys: Ask): Promise<Pages["edge"]> {
  const edge = await deploys.ask("edge", {});
  return {
    ...seenEdge(edge, (workload) => may(viewer, "see", workload)),
    mayConfigure: may(viewer, "configure-edge", undefined),
    mayBan: may(viewer, "ban", undefined),
  };
}

/** What concerns only workloads that may be seen. */
export const seenEdge = (
  { nodes, cache, configuration }: EdgeAnswer,
  isSeen: (workload: string) => boolean,
): EdgeAnswer => ({
  configuration,
  nodes: nodes.map((node) => ({
    ...node,
    workloads: node.workloads.filter(({ workload }) => isSeen(workload)),
  })),
  cache: cache && { ...cache, lanes: cache.lanes.filter(({ workload }) => isSeen(workload)) },
});

async function boardOf(viewer: Viewer, deploys: Ask): Promise<Pages["board"]> {
  const [all, { deploys: seen }] = await Promise.all([
    deploys.ask("workloads", {}),
    seenDeploys({ limit: NEWEST_MAX }, viewer, deploys),
  ]);
  return {
    fleet: all
      .filter(({ name, tasks }) => tasks !== null && may(viewer, "see", name))
      .map(({ name, tasks }) => {
        const colours = tasks === null ? [] : [tasks.blue, tasks.green];
        const sum = (of: (tasks: (typeof colours)[number]) => number): number =>
          colours.reduce((total, it) => total + of(it), 0);
        return {
          workload: name,
          running: sum(({ running }) => running),
          desired: sum(({ desired }) => desired),
        };
      }),
    changed: seen.map(({ id, state }) => `${id} ${state}`).join(),
  };
}

/** Who may see no workload is told which grant is missing. @throws AppError forbidden */
async function checkSome(viewer: Viewer, deploys: Ask): Promise<void> {
  const workloads = await deploys.ask("workloads", {});
  if (workloads.some(({ name }) => may(viewer, "see", name))) return;
  checkAct(viewer.caller, "see", { workload: undefined, nowMs: viewer.nowMs });
}

const actsOf = (viewer: Viewer, workload: string): DeployAct[] =>
  ACTS.filter((act) => may(viewer, act, workload));

/** A freeze of no workloads is one of all. */
const mayFreeze = (viewer: Viewer, workloads: readonly string[]): boolean =>
  workloads.length === 0
    ? may(viewer, "freeze", undefined)
    : workloads.every((it) => may(viewer, "freeze", it));

function may({ caller, nowMs }: Viewer, act: DeployAct, workload: string | undefined): boolean {
  try {
    checkAct(caller, act, { workload, nowMs });
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}
