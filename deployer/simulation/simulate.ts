import type { CommandKind } from "../machine/commands.ts";
import type { Deploy } from "../machine/deploy.ts";
import { isSameRoute } from "../machine/edge-config.ts";
import { RULES } from "../machine/states.ts";
import type { Workload } from "../machine/workload.ts";
import { Controllers, type Mutant } from "./controllers.ts";
import { SimulatedEdge } from "./edge.ts";
import { SimulatedFleet } from "./fleet.ts";
import { Invariants } from "./invariants.ts";
import { SimulatedOneOffs, SimulatedTraffic } from "./outside.ts";
import { NAME, prepareWorld, requestOf, SLOTS_PER_COLOUR } from "./prepare.ts";
import { calmFromMs, FAULTS_UNTIL_MS, type Scenario, type WorldEvent } from "./scenario.ts";
import { SimulatedJournal } from "./testing-journal.ts";
import { VirtualTime } from "./virtual-time.ts";
import { START_MS, World } from "./world.ts";

type NodeEvent = Extract<WorldEvent, { node: number }>;
const RETRY_MS = 2_000;
/** How long the world is watched after the last deploy came to rest. */
const REST_MS = 8_000;
/** Later than the faults: no deploy takes longer. */
const END_MS = FAULTS_UNTIL_MS + 240_000;

export type Outcome = {
  violations: string[];
  log: string[];
  deploys: Deploy[];
  /** Boundaries of effects that were passed. */
  boundaries: number;
  /** From the last decision to roll back until the old colour had all traffic on all nodes, in ms. */
  rollBackMs: number | undefined;
};

/** Runs one deploy in a simulated world, from start to end. */
export async function simulate(scenario: Scenario, mutant: Mutant = {}): Promise<Outcome> {
  return new Simulation(scenario, mutant).run();
}

class Simulation {
  readonly #time = new VirtualTime(START_MS);
  readonly #world: World;
  readonly #fleet: SimulatedFleet;
  readonly #edge: SimulatedEdge;
  readonly #journal: SimulatedJournal;
  readonly #invariants: Invariants;
  readonly #controllers: Controllers;
  readonly #calmFromMs: number;
  #restSinceMs: number | undefined;
  #rollBackAtMs: number | undefined;
  #rollBackMs: number | undefined;

  constructor(scenario: Scenario, mutant: Mutant) {
    this.#calmFromMs = START_MS + calmFromMs(scenario);
    this.#world = new World(scenario, this.#time);
    this.#fleet = new SimulatedFleet(this.#world);
    this.#edge = new SimulatedEdge(this.#world, this.#fleet);
    this.#journal = new SimulatedJournal(this.#world);
    const parts = { fleet: this.#fleet, edge: this.#edge };
    this.#invariants = new Invariants(this.#world, { ...parts, durable: () => this.#durable() });
    this.#journal.onMove = (before, after) => this.#onMove(before, after);
    this.#edge.onApplied = () => this.#onApplied();
    this.#journal.isKnownRoute = (id, route) => {
      const node = this.#edge.nodes.get(id);
      if (node === undefined || !node.isInService) return true;
      return isSameRoute(node.running.route, route) || isSameRoute(node.file.route, route);
    };
    this.#controllers = new Controllers(this.#world, {
      journal: this.#journal,
      fleet: this.#fleet,
      edge: this.#edge,
      oneOffs: new SimulatedOneOffs(this.#world, parts),
      traffic: new SimulatedTraffic(this.#world, this.#edge),
      newColour: () => this.#durable().deploy?.plan.newColour ?? "green",
      mutant,
      workload: { name: NAME, slotsPerColour: SLOTS_PER_COLOUR },
    });
  }

  async run(): Promise<Outcome> {
    prepareWorld(this.#world, { journal: this.#journal, fleet: this.#fleet, edge: this.#edge });
    this.#controllers.start(0);
    const { time, scenario } = this.#world;
    for (const { atMs, event } of scenario.events) time.later(atMs, () => this.#happen(event));
    time.later(500, () => void this.#request("new"));
    // The same release again, or another one.
    const second = scenario.seed % 2 === 0 ? "new" : "newer";
    if (scenario.hasSecond) time.later(2_000, () => void this.#request(second, "second"));
    await this.#time.run(START_MS + END_MS, () => this.#isOver());
    this.#checkEnd();
    return {
      violations: this.#world.violations,
      log: this.#world.log,
      deploys: [...this.#journal.state.deploys.values()],
      boundaries: this.#controllers.boundaries,
      rollBackMs: this.#rollBackMs,
    };
  }

  /** Both releases of a scenario are requested; the second one waits for the first. */
  async #request(release: string, key = "first"): Promise<void> {
    const { scenario, time } = this.#world;
    const isDone = [...this.#journal.state.deploys.values()].some((it) => it.requestKey === key);
    if (isDone) return;
    // A person who gets no answer asks again.
    time.later(RETRY_MS, () => void this.#request(release, key));
    const request = { ...requestOf(scenario, release), actor: "ana", reason: "a release", key };
    await Promise.allSettled([this.#controllers.running?.request(request)]);
  }

  #happen(event: WorldEvent): void {
    switch (event.kind) {
      case "kill-task":
        return this.#fleet.disturb(event.colour, "kill");
      case "stop-task":
        return this.#fleet.disturb(event.colour, "stop");
      case "join-node":
        if (this.#edge.nodes.size < 4) this.#edge.join(SLOTS_PER_COLOUR);
        return undefined;
      case "crash":
        return this.#controllers.crash();
      case "suspend":
        return this.#controllers.suspend(event.forMs);
      case "command":
        return void this.#command(event.command);
      case "restart-node":
      case "cut-off-node":
      case "retire-node":
        return this.#disturbNode(event);
    }
  }

  #disturbNode({ kind, node: at, forMs }: NodeEvent): void {
    const node = [...this.#edge.nodes.values()][at];
    if (node === undefined || node.isRetired) return;
    if (kind === "restart-node") this.#edge.restart(node);
    if (kind === "cut-off-node") {
      this.#world.note(`${node.id} is cut off`);
      node.cutOffUntilMs = this.#world.nowMs + forMs;
    }
    // The last node with clients is never retired.
    if (kind === "retire-node" && this.#edge.inService().length > 1) {
      this.#edge.retire(node);
      this.#world.time.later(forMs, () => this.#edge.comeBack(node));
    }
  }

  async #command(kind: CommandKind): Promise<void> {
    const deployer = this.#controllers.running;
    const { deploy } = this.#durable();
    if (deployer === undefined || deploy === undefined) return;
    try {
      await deployer.command(deploy.id, { kind, actor: "ana", reason: "because" });
      this.#world.note(`ana: ${kind}`);
    } catch {
      // It does not fit the state, or the controller was killed.
    }
  }

  #durable(): { workload: Workload; deploy: Deploy | undefined } {
    return this.#journal.durable(NAME);
  }

  #onApplied(): void {
    const { deploy } = this.#durable();
    if (this.#rollBackAtMs === undefined || deploy?.state !== "reverting") return;
    if (!this.#invariants.hasAllTraffic(deploy.plan.oldColour)) return;
    this.#rollBackMs ??= this.#world.nowMs - this.#rollBackAtMs;
  }

  /** What must be so in the world when a deploy goes on. */
  #onMove(before: Deploy, after: Deploy): void {
    const { oldColour, newColour } = after.plan;
    if (after.state === "reverting") {
      this.#rollBackAtMs = this.#world.nowMs;
      this.#rollBackMs = undefined;
    }
    if (before.state === "reverting" && after.state === "draining-new") {
      if (!this.#invariants.hasAllTraffic(oldColour)) {
        this.#world.violate("the way back ends before the old colour has all traffic");
      }
    }
    if (after.state === "draining-old" && !this.#invariants.hasAllTraffic(newColour)) {
      this.#world.violate("the old colour is drained before the new one has all traffic");
    }
  }

  #isOver(): boolean {
    if (this.#world.violations.length > 0) return true;
    const deploys = [...this.#journal.state.deploys.values()];
    const wanted = this.#world.scenario.hasSecond ? 2 : 1;
    const isAtRest = deploys.length === wanted && deploys.every((it) => this.#isAtRest(it));
    this.#restSinceMs = isAtRest ? (this.#restSinceMs ?? this.#world.nowMs) : undefined;
    return (
      this.#restSinceMs !== undefined &&
      this.#world.nowMs > Math.max(this.#restSinceMs, this.#calmFromMs) + REST_MS
    );
  }

  /** It has ended, or waits for a person or behind one that does. */
  #isAtRest(deploy: Deploy): boolean {
    if (RULES[deploy.state].isTerminal || deploy.state === "held" || deploy.paused !== null)
      return true;
    const { active } = this.#durable().workload;
    const before = this.#journal.state.deploys.get(active ?? "");
    return deploy.state === "queued" && before !== undefined && this.#isAtRest(before);
  }

  #checkEnd(): void {
    if (this.#world.violations.length > 0) return;
    for (const deploy of this.#journal.state.deploys.values()) {
      if (!this.#isAtRest(deploy)) {
        this.#world.violate(`${deploy.id} is stuck in ${deploy.state}: ${deploy.reason ?? ""}`);
      }
    }
    if (this.#journal.state.deploys.size === 0) this.#world.violate("nothing was deployed");
    if (this.#durable().deploy === undefined) this.#checkSteady();
  }

  /** Between deploys all nodes serve with all tasks of the live colour, and the other has none. */
  #checkSteady(): void {
    const { live, releases } = this.#durable().workload;
    const idle = [...this.#fleet.tasks.values()].filter(({ colour }) => colour !== live);
    if (idle.length > 0) this.#world.violate(`${idle.length} tasks of the idle colour are left`);
    if (releases[live] === null) return;
    if (!this.#invariants.hasAllTraffic(live))
      this.#world.violate("not all traffic is on the live colour");
    const healthy = [...this.#fleet.tasks.values()].filter((task) => task.healthy).length;
    for (const node of this.#edge.inService()) {
      const serving = node.running.slots[live].filter((slot) => this.#edge.viewOf(slot).up).length;
      if (serving !== healthy) {
        this.#world.violate(`${node.id} serves with ${serving} of ${healthy} tasks at the end`);
      }
    }
  }
}
