import type { Drivers } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import type { HaproxyNode } from "./haproxy-node.ts";

/** The driver of a cluster of HAProxy nodes. */
export function haproxyEdge(nodes: readonly HaproxyNode[]): Drivers["edge"] {
  const nodeOf = (id: string): HaproxyNode => {
    const node = nodes.find((it) => it.id === id);
    if (node === undefined) throw new AppError("not_found", `There is no edge node ${id}.`);
    return node;
  };
  return {
    nodes: async () => nodes.map(({ id }) => ({ id, retired: false })),
    read: async (id, workload) => nodeOf(id).read(workload),
    apply: async (id, workload, config) => nodeOf(id).apply(workload, config),
    closeSessions: async (id, { workload, colour, overMs }) =>
      nodeOf(id).closeSessions(workload, colour, overMs),
  };
}
