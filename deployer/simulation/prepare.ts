import { bumped } from "../engine/workload-loop.ts";
import type { DeployRequest } from "../machine/plan.ts";
import { newWorkload } from "../machine/workload.ts";
import type { SimulatedEdge, SimulatedNode } from "./edge.ts";
import type { SimulatedFleet } from "./fleet.ts";
import { TASK_RPS } from "./outside.ts";
import type { Scenario } from "./scenario.ts";
import type { SimulatedJournal } from "./testing-journal.ts";
import type { World } from "./world.ts";

export const NAME = "billing";
export const SLOTS_PER_COLOUR = 6;

type Parts = { journal: SimulatedJournal; fleet: SimulatedFleet; edge: SimulatedEdge };

/** The old release is live on all nodes, unless the first deploy is simulated. */
export function prepareWorld({ scenario }: World, { journal, fleet, edge }: Parts): void {
  const nodes = Array.from({ length: scenario.nodes }, () => edge.join(SLOTS_PER_COLOUR));
  const workload = bumped(newWorkload(NAME, SLOTS_PER_COLOUR));
  if (!scenario.isFirst) {
    const tasks = fleet.begin("blue", "old", scenario.count);
    workload.releases.blue = "old";
    workload.configVersion = 1;
    for (const [at, { id, address }] of tasks.entries()) {
      workload.slots.blue[at] = { task: id, address };
    }
    const addresses = tasks.map(({ address }) => address);
    for (const node of nodes) {
      node.file = servingFile(node, addresses);
      edge.restart(node);
      node.isInService = true;
      workload.sent[node.id] = 1;
    }
  }
  journal.begin(workload);
}

function servingFile({ file }: SimulatedNode, addresses: readonly string[]): SimulatedNode["file"] {
  const blue = file.slots.blue.map((slot, at) => {
    const address = addresses[at];
    return address === undefined ? slot : { address, state: "ready" as const };
  });
  const releases = { blue: "old", green: null };
  return { ...file, version: 1, releases, slots: { ...file.slots, blue } };
}

/** The deploy that a scenario is about. */
export function requestOf(scenario: Scenario, release: string): DeployRequest {
  return {
    workload: NAME,
    release,
    count: scenario.count,
    taskRps: TASK_RPS,
    migrations: scenario.migrations,
    strategy: {
      kind: scenario.strategy,
      analyseMs: 2_000,
      analyseMsMax: 6_000,
      requestsMin: 5,
      onInconclusive: scenario.onInconclusive,
      bakeMs: 3_000,
      drainMs: 5_000,
      warmUp: scenario.warmUp,
      contractAfterMs: 4_000,
    },
  };
}
