import {
  type Colour,
  type LaneCounts,
  type OneOff,
  type OneOffView,
  otherColour,
  type TrafficView,
} from "../drivers.ts";
import type { SimulatedEdge } from "./edge.ts";
import type { SimulatedFleet } from "./fleet.ts";
import type { World } from "./world.ts";

export const TASK_RPS = 100;

/** One-off work: runs once for each token. */
export class SimulatedOneOffs {
  readonly #world: World;
  readonly #fleet: SimulatedFleet;
  readonly #edge: SimulatedEdge;
  readonly #runs = new Map<string, { view: OneOffView; work: OneOff }>();

  constructor(world: World, parts: { fleet: SimulatedFleet; edge: SimulatedEdge }) {
    this.#world = world;
    this.#fleet = parts.fleet;
    this.#edge = parts.edge;
  }

  read(token: string): OneOffView {
    return this.#runs.get(token)?.view ?? { status: "absent" };
  }

  run(token: string, work: OneOff): void {
    if (this.#runs.has(token)) return;
    this.#world.note(`runs ${token}`);
    if (work.kind === "contract") this.#checkContract(work);
    const run: { view: OneOffView; work: OneOff } = { view: { status: "running" }, work };
    this.#runs.set(token, run);
    this.#world.time.later(this.#world.random.between(100, 2_000), () => {
      run.view = this.#resultOf(work, token);
    });
  }

  #resultOf({ kind }: OneOff, token: string): OneOffView {
    const { quality } = this.#world.scenario;
    const isFirst = token.endsWith(":1");
    const fails =
      (kind === "expand" && quality === "expand-fails") ||
      (kind === "contract" && quality === "contract-fails" && isFirst) ||
      (kind === "verify" && quality === "fails-verification");
    return fails ? { status: "failed", reason: "it was made to fail" } : { status: "succeeded" };
  }

  /** I7: no task and no slot of the old release is left when the schema loses what it needs. */
  #checkContract({ colour, release }: OneOff): void {
    const old = otherColour(colour);
    const alive = [...this.#fleet.tasks.values()].filter((task) => task.release !== release);
    if (alive.length > 0) this.#world.violate(`I7 contract while ${alive.length} old tasks live`);
    for (const node of this.#edge.inService()) {
      if (node.running.slots[old].some(({ state }) => state !== "maint")) {
        this.#world.violate(`I7 contract while ${node.id} has slots of the old release`);
      }
    }
  }
}

/** Requests and errors as the share of each colour and the quality of the new release make them. */
export class SimulatedTraffic {
  readonly #world: World;
  readonly #edge: SimulatedEdge;

  constructor(world: World, edge: SimulatedEdge) {
    this.#world = world;
    this.#edge = edge;
  }

  read(fromMs: number, newColour: Colour): TrafficView {
    const { scenario, nowMs } = this.#world;
    const { load, count, quality } = scenario;
    const requests = ((nowMs - fromMs) / 1_000) * (load ?? 0.3) * count * TASK_RPS;
    const share = Math.max(
      0,
      ...this.#edge.inService().map((it) => this.#edge.shareOf(it, newColour)),
    );
    const isBad = quality === "errors";
    const lane = (part: number, isNew: boolean): LaneCounts => {
      const total = Math.floor(requests * part);
      const ratio = isNew && isBad ? 0.2 : 0.001;
      const latencyMsP95 = isNew && quality === "slow" ? 400 : 80;
      return {
        requests: total,
        errors: Math.floor(total * ratio),
        latencyMsP95: total === 0 ? undefined : latencyMsP95,
      };
    };
    const lanes = {
      [newColour]: lane(share / 10_000, true),
      // Measured from before the first request to the new colour on.
      [otherColour(newColour)]: lane(Math.max(0.2, 1 - share / 10_000), false),
    };
    const [blue, green] = [lanes["blue"], lanes["green"]];
    if (blue === undefined || green === undefined) throw new Error("a colour is missing");
    return {
      lanes: { blue, green },
      peakRps: load === undefined ? undefined : load * count * TASK_RPS,
    };
  }
}
