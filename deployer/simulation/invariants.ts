import { type Colour, COLOURS, type EdgeConfig, otherColour } from "../drivers.ts";
import { type Deploy, isActive } from "../machine/deploy.ts";
import type { Workload } from "../machine/workload.ts";
import type { SimulatedEdge, SimulatedNode } from "./edge.ts";
import type { SimulatedFleet } from "./fleet.ts";
import type { World } from "./world.ts";

/** What the controller knows may be this old; deaths in the meantime are not its fault. */
const KNOWLEDGE_MS = 4_000;
const JOIN_MS = 1_000;
const CHECKS_MS = 1_000;
export const SETTLE_MS = 1_000;

/** What is durable about the workload, as the journal has it. */
export type Durable = () => { workload: Workload; deploy: Deploy | undefined };

/** Checks invariants I1 to I3, I5, I6 and the settle in the world, whenever something changes in it. */
export class Invariants {
  readonly #world: World;
  readonly #fleet: SimulatedFleet;
  readonly #edge: SimulatedEdge;
  readonly #durable: Durable;

  constructor(
    world: World,
    parts: { fleet: SimulatedFleet; edge: SimulatedEdge; durable: Durable },
  ) {
    this.#world = world;
    this.#fleet = parts.fleet;
    this.#edge = parts.edge;
    this.#durable = parts.durable;
    parts.fleet.onStop = (task) => this.#beforeStop(task);
    parts.edge.onApply = (node, config) => this.#beforeApply(node, config);
  }

  /** I1: a task stops only when no node sends it requests or has a session with it. */
  #beforeStop({ address, id, colour }: { address: string; id: string; colour: Colour }): void {
    for (const node of this.#edge.inService()) {
      for (const slot of node.running.slots[colour]) {
        if (slot.address !== address) continue;
        const { sessions, state } = this.#edge.viewOf(slot);
        if (state !== "maint")
          this.#world.violate(`I1 ${id} stops while ${node.id} has it in ${state}`);
        if (sessions > 0) this.#world.violate(`I1 ${id} stops with sessions on ${node.id}`);
      }
    }
    if (this.#edge.inService().some((node) => this.#edge.shareOf(node, colour) > 0)) {
      this.#world.violate(`I1 ${id} stops while its colour has traffic`);
    }
  }

  #beforeApply(node: SimulatedNode, config: EdgeConfig): void {
    for (const colour of COLOURS) {
      config.slots[colour].forEach((slot, at) => {
        const before = node.running.slots[colour][at];
        if (before === undefined) return;
        if (before.address !== slot.address && before.state !== "maint") {
          this.#world.violate(
            `I5 ${node.id} ${colour}/${at} changes its address in ${before.state}`,
          );
        }
        // A node that has just restarted has forgotten checks that the controller has seen.
        const isNewProcess = this.#world.nowMs < node.startedMs + CHECKS_MS;
        const isReady = before.state === "ready" || isNewProcess || this.#edge.viewOf(before).up;
        if (slot.state === "ready" && !isReady && !this.#diedJustNow(slot.address)) {
          this.#world.violate(`gate: ${node.id} ${colour}/${at} is ready without passed checks`);
        }
        if (node.isInService) this.#checkLeaving(colour, before, slot);
      });
    }
    if (!node.isInService) return;
    this.#checkRoute(node, config);
    this.#checkAnswers(node, config);
  }

  /** D9: a colour is drained only after no node has sent it requests for a second. */
  #checkLeaving(
    colour: Colour,
    before: { state: string; address: string | null },
    slot: { state: string },
  ): void {
    if (before.state !== "ready" || slot.state === "ready") return;
    const task = this.#fleet.taskAt(before.address);
    if (task === undefined || task.status !== "running" || !task.healthy) return;
    for (const node of this.#edge.inService()) {
      if (this.#edge.shareOf(node, colour) > 0) {
        this.#world.violate(`drain: ${colour} is drained while ${node.id} sends it requests`);
      } else if (this.#world.nowMs < node.lastShareMs[colour] + SETTLE_MS) {
        this.#world.violate(
          `settle: ${colour} is drained too soon after ${node.id} had its traffic`,
        );
      }
    }
  }

  #checkRoute(node: SimulatedNode, { route }: EdgeConfig): void {
    const before = node.running.route;
    const { deploy } = this.#durable();
    if (route.live !== before.live) this.#checkLive(node, route);
    const raised = COLOURS.filter((colour) => shareIn(route, colour) > shareIn(before, colour));
    for (const colour of raised) {
      if (!this.#serves(node, colour) && !isOld(deploy, colour)) {
        this.#world.violate(
          `I3 ${node.id} sends requests to ${colour}, which does not serve there`,
        );
      }
      this.#checkCapacity(colour, {
        share: shareIn(route, colour),
        isWayBack: isOld(deploy, colour),
      });
    }
  }

  #checkLive(node: SimulatedNode, route: EdgeConfig["route"]): void {
    const { deploy, workload } = this.#durable();
    const isGivenUp = workload.releases[route.live] === null;
    // Without a share of its own, the live colour gets no request: so it is after a step back to the end of a split.
    if (isGivenUp || shareIn(route, route.live) === 0) return;
    const isWayBack = deploy !== undefined && route.live === deploy.plan.oldColour;
    for (const other of this.#edge.inService()) {
      // What cannot be reached sends such requests to its other colour.
      const wasCutOff = this.#world.nowMs < other.cutOffUntilMs + KNOWLEDGE_MS;
      const isExcused = isWayBack && (wasCutOff || this.#world.scenario.faults.lost > 0);
      if (!this.#serves(other, route.live) && !isExcused) {
        this.#world.violate(
          `I6 ${node.id} makes ${route.live} live, which does not serve on ${other.id}`,
        );
      }
    }
  }

  /** I2: after a step, both its share and the way back have the capacity for the peak. */
  #checkCapacity(
    colour: Colour,
    { share, isWayBack }: { share: number; isWayBack: boolean },
  ): void {
    const { deploy } = this.#durable();
    const { load } = this.#world.scenario;
    if (load === undefined || deploy === undefined || isWayBack) return;
    const needed = (load / 0.7) * this.#world.scenario.count;
    if (this.#capacity(colour) < needed * (share / 10_000) - 1e-9) {
      this.#world.violate(`I2 ${colour} cannot carry ${share / 100} %`);
    }
    if (deploy.plan.from !== null && this.#capacity(otherColour(colour)) < needed - 1e-9) {
      this.#world.violate(`I2 ${otherColour(colour)} could not take the traffic back`);
    }
  }

  /**
   * Tasks of the node with the fewest, with those that died or began to stop just now. Nodes that joined just now do not
   * count.
   */
  #capacity(colour: Colour): number {
    const counts = this.#edge
      .inService()
      .filter(({ inServiceSinceMs }) => this.#world.nowMs >= inServiceSinceMs + JOIN_MS)
      .map(
        (node) =>
          node.running.slots[colour].filter(
            ({ state, address }) =>
              (state === "ready" && this.#fleet.isAlive(address)) || this.#leftJustNow(address),
          ).length,
      );
    return Math.min(...counts);
  }

  /** A change never takes the last slot with a living task away, unless it is that of a first release that is given up. */
  #checkAnswers(node: SimulatedNode, { slots }: EdgeConfig): void {
    const { live, releases } = this.#durable().workload;
    if (releases[live] === null) return;
    const isAnswered = COLOURS.some((colour) =>
      node.running.slots[colour].some(
        ({ state, address }) => state === "ready" && this.#fleet.isAlive(address),
      ),
    );
    const isAnsweredThen = COLOURS.some((colour) =>
      slots[colour].some(({ state, address }) => state === "ready" && this.#isOrWasAlive(address)),
    );
    if (isAnswered && !isAnsweredThen) this.#world.violate(`${node.id} has no ready slot left`);
  }

  #serves(node: SimulatedNode, colour: Colour): boolean {
    return node.running.slots[colour].some(
      (slot) => slot.state === "ready" && this.#isOrWasAlive(slot.address),
    );
  }

  #isOrWasAlive = (address: string | null): boolean =>
    this.#fleet.isAlive(address) || this.#diedJustNow(address);

  #diedJustNow = (address: string | null): boolean =>
    this.#isJustNow(this.#fleet.endedMs.get(address ?? ""));

  #leftJustNow = (address: string | null): boolean =>
    this.#diedJustNow(address) || this.#isJustNow(this.#fleet.stoppingMs.get(address ?? ""));

  #isJustNow = (atMs: number | undefined): boolean =>
    atMs !== undefined && this.#world.nowMs < atMs + KNOWLEDGE_MS;

  /** All traffic on all nodes with clients goes to the colour. */
  hasAllTraffic = (colour: Colour): boolean =>
    this.#edge.inService().every((node) => this.#edge.shareOf(node, otherColour(colour)) === 0);
}

const isOld = (deploy: Deploy | undefined, colour: Colour): boolean =>
  deploy === undefined || !isActive(deploy) || deploy.plan.oldColour === colour;

function shareIn(route: EdgeConfig["route"], colour: Colour): number {
  return (
    (route.live === colour ? 10_000 - route.splitBp : 0) +
    (route.next === colour ? route.splitBp : 0)
  );
}
