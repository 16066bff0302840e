import { CheckingEdge } from "./checking-edge.ts";
import type { Edge } from "./edge-port.ts";

/** Until there is one that forwards requests, a node that checks the tasks but gets no traffic. */
export async function openEdge(
  workloads: readonly { name: string; slots: number; checkPath: string }[],
): Promise<Edge> {
  return new CheckingEdge(workloads);
}
