import { otherColour, type Colour } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import { nextConfig } from "./edge-config.ts";
import { type Effect, oneOffOf } from "./effects.ts";
import { isCurrent, onEveryNode, type Scene } from "./observation.ts";
import { RULES } from "./states.ts";
import type { Workload } from "./workload.ts";

type Reconciled = { workload: Workload; deploy: Deploy | undefined; effects: Effect[] };

/**
 * The difference between what the state wants and what is observed, as effects. `isBusy` tells for which targets a
 * request is under way or has just failed; they get none now.
 */
export function reconcile(scene: Scene, isBusy: (target: string) => boolean): Reconciled {
  const parts = [reconcileEdge, reconcileSessions, reconcileFleet, reconcileOneOff];
  const effects: Effect[] = [];
  let { workload, deploy } = scene;
  for (const part of parts) {
    const done = part({ ...scene, workload, deploy }, isBusy);
    effects.push(...done.effects);
    workload = done.workload ?? workload;
    deploy = done.deploy ?? deploy;
  }
  return { workload, deploy, effects };
}

type Part = {
  effects: Effect[];
  workload?: Workload | undefined;
  deploy?: Deploy | undefined;
};

function reconcileEdge(scene: Scene, isBusy: (target: string) => boolean): Part {
  const { seen, workload } = scene;
  const effects: Effect[] = [];
  let version = workload.configVersion;
  const sent = { ...workload.sent };
  for (const node of seen.nodes ?? []) {
    if (isBusy(`node:${node.id}`)) continue;
    const config = nextConfig(scene, node);
    if (config === undefined) continue;
    version = Math.max(version, node.view?.version ?? 0) + 1;
    sent[node.id] = version;
    effects.push({ kind: "edge.apply", node: node.id, config: { ...config, version } });
  }
  if (effects.length === 0) return { effects };
  return { effects, workload: { ...workload, configVersion: version, sent } };
}

/** After the deadline of a drain, the sessions that are left are closed. */
function reconcileSessions(scene: Scene, isBusy: (target: string) => boolean): Part {
  const { deploy, nowMs, limits, seen } = scene;
  const colour = deploy && drainedColour(deploy);
  if (deploy === undefined || colour === undefined || deploy.paused !== null) return NOTHING;
  if (nowMs < deploy.enteredAtMs + deploy.plan.strategy.drainMs) return NOTHING;
  if (deploy.closedAtMs !== null && nowMs < deploy.closedAtMs + limits.closeOverMs) return NOTHING;
  const effects = (seen.nodes ?? [])
    .filter(
      ({ id, view }) =>
        !isBusy(`node:${id}`) && view?.slots[colour].some((slot) => slot.sessions > 0) === true,
    )
    .map(({ id }): Effect => ({
      kind: "edge.close",
      node: id,
      colour,
      overMs: limits.closeOverMs,
    }));
  return effects.length === 0 ? NOTHING : { effects, deploy: { ...deploy, closedAtMs: nowMs } };
}

const NOTHING: Part = { effects: [] };

function drainedColour({ state, plan }: Deploy): Colour | undefined {
  if (state === "draining-old") return plan.oldColour;
  return state === "draining-new" ? plan.newColour : undefined;
}

function reconcileFleet(scene: Scene, isBusy: (target: string) => boolean): Part {
  const { workload, deploy, nowMs } = scene;
  const wanted = deploy && wantedTasks(scene, deploy);
  if (
    deploy === undefined ||
    wanted === undefined ||
    isBusy("fleet") ||
    !isDue(scene, deploy, wanted)
  )
    return NOTHING;
  return {
    effects: [{ kind: "fleet.ensure", ...wanted }],
    workload: { ...workload, fleetRequest: { ...wanted, deploy: deploy.id, atMs: nowMs } },
  };
}

type WantedTasks = { colour: Colour; release: string; count: number };

function isDue(scene: Scene, deploy: Deploy, wanted: WantedTasks): boolean {
  const { workload, seen, nowMs, limits } = scene;
  const view = seen.fleet?.[wanted.colour];
  if (view === undefined) return false;
  const { colour, release, count } = wanted;
  const isThere = view.desired === count && (count === 0 || view.deploy === deploy.id);
  const last = workload.fleetRequest;
  const isRepeat =
    last?.deploy === deploy.id &&
    last.colour === colour &&
    last.release === release &&
    last.count === count;
  if (isRepeat) return !isThere && nowMs >= last.atMs + limits.fleetRetryMs;
  // A read may lag behind the last start of tasks, so a stop is always sent once.
  return !isThere || count === 0;
}

function wantedTasks(scene: Scene, { state, plan }: Deploy): WantedTasks | undefined {
  const { tasks } = RULES[state];
  if (tasks === "none") return undefined;
  if (tasks === "start-new") {
    return { colour: plan.newColour, release: plan.release, count: plan.count };
  }
  const colour = tasks === "stop-old" ? plan.oldColour : plan.newColour;
  const release = scene.workload.releases[colour];
  if (release === null || !isRemoved(scene, colour)) return undefined;
  return { colour, release, count: 0 };
}

/** Invariant I1: a task may stop when every node has acknowledged its removal and has no session with it. */
export const isRemoved = (scene: Scene, colour: Colour): boolean =>
  onEveryNode(
    scene,
    (view, id) =>
      isCurrent(scene, view, id) &&
      view.slots[colour].every((slot) => slot.state === "maint" && slot.sessions === 0) &&
      view.route.live === otherColour(colour),
  );

function reconcileOneOff(scene: Scene, isBusy: (target: string) => boolean): Part {
  const { deploy, seen } = scene;
  const due = deploy && oneOffOf(deploy);
  if (deploy === undefined || due === undefined || isBusy("one-off")) return NOTHING;
  if (deploy.paused !== null || (deploy.state === "contracting" && !mayContract(scene, deploy))) {
    return NOTHING;
  }
  if (seen.oneOff?.token !== due.token || seen.oneOff.view.status !== "absent") return NOTHING;
  return { effects: [{ kind: "one-off.run", ...due }] };
}

/** Invariant I7: the old release is gone everywhere, and the time in which it might return is over. */
function mayContract(scene: Scene, { plan, enteredAtMs, history }: Deploy): boolean {
  const old = scene.seen.fleet?.[plan.oldColour];
  // A deploy that was held and resumed has waited already.
  const sinceMs = history.find(({ state }) => state === "contracting")?.atMs ?? enteredAtMs;
  return (
    scene.nowMs >= sinceMs + plan.strategy.contractAfterMs &&
    old?.tasks.length === 0 &&
    old.desired === 0 &&
    isRemoved(scene, plan.oldColour)
  );
}
