import { type Colour, COLOURS, type NodeView } from "#deployer/drivers.ts";

import type { LaneHealth, NodeHealth } from "../configuration/port.ts";
import { PREVIEW_HEADER } from "../lane.ts";
import type { EdgeWorkload, NodeSettings } from "./render-node.ts";

const PROBE_MS_MAX = 3_000;

type Health = {
  settings: NodeSettings;
  workloads: readonly EdgeWorkload[];
  view(workload: string): Promise<NodeView>;
};

/** What a node does for each workload: slots that serve, and its answers to requests as clients send them. */
export async function laneHealth({
  settings,
  workloads,
  view,
}: Health): Promise<NodeHealth["workloads"]> {
  const lanes: [string, Readonly<Record<Colour, LaneHealth>>][] = [];
  // One after the other: few connections wait at the socket of a node.
  for (const { name, checkPath } of workloads) {
    const { slots } = await view(name);
    const url = `http://${settings.listen[name]}${checkPath}`;
    const laneOf = async (colour: Colour): Promise<LaneHealth> => {
      const up = slots[colour].filter(({ state, up: isUp }) => state === "ready" && isUp).length;
      return { up, status: up === 0 ? null : await answerOf(url, colour) };
    };
    const [blue, green] = await Promise.all(COLOURS.map(laneOf));
    if (blue === undefined || green === undefined) throw new Error("a colour is missing");
    lanes.push([name, { blue, green }]);
  }
  return Object.fromEntries(lanes);
}

/** The status; null without an answer. */
async function answerOf(url: string, colour: Colour): Promise<number | null> {
  try {
    const response = await fetch(url, {
      headers: { [PREVIEW_HEADER]: colour, connection: "close" },
      redirect: "manual",
      signal: AbortSignal.timeout(PROBE_MS_MAX),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}
