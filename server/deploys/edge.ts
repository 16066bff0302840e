import type { EdgeAnswer } from "#dashboards/deploys/fleet-messages.ts";
import type { EdgeNode, NodeView, SlotView } from "#deployer/drivers.ts";
import type { Deployer } from "#deployer/engine/deployer.ts";
import type { WorkloadStatus } from "#deployer/engine/workload-status.ts";
import type { Workload } from "#deployer/machine/workload.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Edge } from "./edge-port.ts";
import type { EdgeWatch } from "./edge-watch.ts";
import type { DeploysService } from "./service.ts";
import { eachColour, sharesOf } from "./views/live.ts";

type EdgeDeps = {
  deployer: Pick<Deployer, "workloads"> & {
    status(name: string): Pick<WorkloadStatus, "workload"> & {
      seen: Pick<WorkloadStatus["seen"], "nodes">;
    };
  };
  edge: Pick<Edge, "caches" | "configuration" | "isStarted" | "notesOf" | "urlOf"> & {
    driver: Pick<Edge["driver"], "nodes">;
  };
  edgeWatch: Pick<EdgeWatch, "notesOf">;
  clock: Clock;
};

const VERSIONS_MAX = 50;
const CACHE_MS = 3_600_000;
/** By workload and node: what was read last, which is shown while the node is changed and not read. */
type LastViews = Map<string, NodeView>;
type NodeAnswer = EdgeAnswer["nodes"][number];

/** The nodes with what each runs, as it was read last. */
export const edgeOf = ({
  deployer,
  edge,
  edgeWatch,
  clock,
}: EdgeDeps): Pick<DeploysService, "edge"> => {
  const lastViews: LastViews = new Map();
  return {
    edge: async () => {
      const nodes = await edge.driver.nodes();
      const notes = await Promise.all(nodes.map(({ id }) => edge.notesOf(id)));
      return {
        nodes: nodes.map((node, at) => ({
          ...nodeOf(node, { deployer, edge, lastViews }),
          notes: [...edgeWatch.notesOf(node.id), ...(notes[at] ?? [])],
        })),
        configuration: configurationOf(edge),
        cache: await cacheOf({ deployer, edge, clock }),
      };
    },
  };
};

function configurationOf({ configuration }: EdgeDeps["edge"]): EdgeAnswer["configuration"] {
  if (configuration === undefined) return null;
  const { current, versions } = configuration.versions;
  return {
    current,
    versions: versions.slice(-VERSIONS_MAX).toReversed(),
    progress: [...configuration.progress].map(([node, progress]) => ({ node, progress })),
  };
}

/** Null without caches, and before they run. */
async function cacheOf({
  deployer,
  edge,
  clock,
}: Omit<EdgeDeps, "edgeWatch">): Promise<EdgeAnswer["cache"]> {
  try {
    return (await edge.caches?.read(deployer.workloads, clock.nowMs() - CACHE_MS)) ?? null;
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") return null;
    throw error;
  }
}

function nodeOf(
  { id, retired }: EdgeNode,
  { deployer, edge, lastViews }: Pick<EdgeDeps, "deployer" | "edge"> & { lastViews: LastViews },
): Omit<NodeAnswer, "notes"> {
  if (!edge.isStarted()) return { id, status: "not-started", workloads: [] };
  const seen = deployer.workloads.flatMap((name) => {
    const { workload, seen: observed } = deployer.status(name);
    const node = observed.nodes?.find((it) => it.id === id);
    return node === undefined ? [] : [{ workload, ...node }];
  });
  const workloads = seen.flatMap(({ workload, view, isUnreachable }) => {
    const key = JSON.stringify([workload.name, id]);
    if (view !== undefined) lastViews.set(key, view);
    if (isUnreachable) lastViews.delete(key);
    const known = lastViews.get(key);
    if (known === undefined) return [];
    const shown = viewOf(workload, id, known);
    const isCurrent = shown.isCurrent && view !== undefined;
    return [{ ...shown, isCurrent, url: edge.urlOf(id, workload.name) }];
  });
  const isUnreachable = seen.some((it) => it.isUnreachable);
  const isCurrent =
    seen.length > 0 && workloads.length === seen.length && workloads.every((it) => it.isCurrent);
  const reached = isCurrent ? "current" : "behind";
  const status = isUnreachable ? "unreachable" : reached;
  return { id, status: retired ? "retired" : status, workloads };
}

const viewOf = (
  { name, sent }: Workload,
  node: string,
  { version, route, releases, slots }: NodeView,
): Omit<NodeAnswer["workloads"][number], "url"> => ({
  workload: name,
  // A workload that was never deployed has no configuration to send.
  isCurrent: version === (sent[node] ?? 0),
  version,
  live: route.live,
  shareBp: sharesOf(route),
  releases,
  slots: eachColour((colour) => slots[colour].map(slotOf)),
});

const slotOf = ({ address, state, up, sessions }: SlotView, index: number) => {
  return { slot: `s${index + 1}`, address, state, isUp: up, sessions };
};
