import {
  type Colour,
  COLOURS,
  type EdgeConfig,
  type EdgeNode,
  type NodeView,
  type Slot,
  type SlotView,
} from "../drivers.ts";
import type { SimulatedFleet } from "./fleet.ts";
import type { World } from "./world.ts";

const CHECK_MS_MIN = 400;
const CHECK_MS_MAX = 900;

/** A slot as the node runs it. */
export type RunningSlot = Slot & {
  /** From when on its checks have passed, if the task lives. */
  upFromMs: number;
  /** When its last session ends by itself. */
  sessionsUntilMs: number;
};

type Running = {
  version: number;
  route: EdgeConfig["route"];
  releases: EdgeConfig["releases"];
  slots: Record<Colour, RunningSlot[]>;
};

export type SimulatedNode = {
  id: string;
  isRetired: boolean;
  /** Until then the controller cannot reach it; clients can. */
  cutOffUntilMs: number;
  /** Whether clients reach it. */
  isInService: boolean;
  /** What a restart reads. */
  file: EdgeConfig;
  running: Running;
  inServiceSinceMs: number;
  startedMs: number;
  /** When a colour last had a share of the requests. */
  lastShareMs: Record<Colour, number>;
};

/** Nodes that restart with the file that was written before their process was changed, come and go. */
export class SimulatedEdge {
  readonly nodes = new Map<string, SimulatedNode>();
  readonly #world: World;
  readonly #fleet: SimulatedFleet;
  /** Called before and after a node changes. */
  onApply: (node: SimulatedNode, config: EdgeConfig) => void = () => undefined;
  onApplied: () => void = () => undefined;

  constructor(world: World, fleet: SimulatedFleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  list(): EdgeNode[] {
    return [...this.nodes.values()].map(({ id, isRetired }) => ({ id, retired: isRetired }));
  }

  /** A node without a configuration: it gets no traffic until it has one. */
  join(slotsPerColour: number): SimulatedNode {
    const id = `lb${this.nodes.size + 1}`;
    const file = emptyConfig(slotsPerColour);
    const lastShareMs = { blue: -Infinity, green: -Infinity };
    const running = this.#started(file);
    const node: SimulatedNode = {
      id,
      isRetired: false,
      cutOffUntilMs: 0,
      isInService: false,
      file,
      running,
      inServiceSinceMs: 0,
      startedMs: this.#world.nowMs,
      lastShareMs,
    };
    this.nodes.set(id, node);
    this.#world.note(`${id} joins`);
    return node;
  }

  read(id: string): NodeView {
    const node = this.#reach(id);
    const { version, route, releases } = node.running;
    const slots = { blue: this.#slots(node, "blue"), green: this.#slots(node, "green") };
    return { version, route: { ...route }, releases, slots };
  }

  apply(id: string, config: EdgeConfig): void {
    const node = this.#reach(id);
    if (config.version < node.running.version) throw new Error("an older configuration");
    if (config.version === node.running.version) return;
    node.file = config;
    const { random, scenario, hasFaults } = this.#world;
    if (hasFaults && random.chance(scenario.faults.throttled / 2)) {
      throw new Error("the file was written, the process not changed");
    }
    this.onApply(node, config);
    this.#change(node, config);
    this.onApplied();
    this.#world.note(
      `${id} v${config.version} ${config.route.live}/${config.route.splitBp}→${config.route.next} ${COLOURS.map((colour) => `${colour}: ${config.slots[colour].map(({ state }) => state[0]).join("")}`).join(" ")}`,
    );
  }

  /** Open sessions of a colour end within the time. */
  closeSessions(id: string, colour: Colour, overMs: number): void {
    const untilMs = this.#world.nowMs + overMs;
    for (const slot of this.#reach(id).running.slots[colour]) {
      if (slot.state === "drain") slot.sessionsUntilMs = Math.min(slot.sessionsUntilMs, untilMs);
    }
  }

  /** A crash or a reload: the node starts with its file, and checks all its slots again. */
  restart(node: SimulatedNode): void {
    this.#world.note(`${node.id} restarts with v${node.file.version}`);
    node.running = this.#started(node.file);
    node.startedMs = this.#world.nowMs;
    this.#updateShares(node);
  }

  /** It has no clients any more. Nothing that it runs counts until it gets a new configuration. */
  retire(node: SimulatedNode): void {
    this.#world.note(`${node.id} is retired`);
    Object.assign(node, { isRetired: true, isInService: false });
  }

  comeBack(node: SimulatedNode): void {
    this.#world.note(`${node.id} comes back`);
    node.isRetired = false;
    node.running.version = 0;
  }

  inService(): SimulatedNode[] {
    return [...this.nodes.values()].filter(({ isInService }) => isInService);
  }

  shareOf({ running: { route } }: SimulatedNode, colour: Colour): number {
    const [live, next] = [10_000 - route.splitBp, route.splitBp];
    return (route.live === colour ? live : 0) + (route.next === colour ? next : 0);
  }

  viewOf = ({ address, state, upFromMs, sessionsUntilMs }: RunningSlot): SlotView => {
    const isAlive = this.#fleet.isAlive(address);
    return {
      address,
      state,
      up: state !== "maint" && isAlive && this.#world.nowMs >= upFromMs,
      sessions: isAlive && this.#world.nowMs < sessionsUntilMs ? 1 : 0,
    };
  };

  #slots = (node: SimulatedNode, colour: Colour): SlotView[] =>
    node.running.slots[colour].map(this.viewOf);

  #reach(id: string): SimulatedNode {
    const node = this.nodes.get(id);
    if (node === undefined || this.#world.nowMs < node.cutOffUntilMs)
      throw new Error(`${id} cannot be reached`);
    return node;
  }

  #change(node: SimulatedNode, { version, route, releases, slots }: EdgeConfig): void {
    this.#updateShares(node);
    const before = node.running.slots;
    node.running = {
      version,
      route: { ...route },
      releases,
      slots: {
        blue: slots.blue.map((slot, at) => this.#changedSlot(before.blue[at], slot)),
        green: slots.green.map((slot, at) => this.#changedSlot(before.green[at], slot)),
      },
    };
    this.#updateShares(node);
    const used = COLOURS.filter((colour) => this.shareOf(node, colour) > 0)
      .flatMap((colour) => node.running.slots[colour])
      .filter(({ state }) => state !== "maint");
    const isComplete = used.length > 0 && used.every(({ state }) => state === "ready");
    if (!node.isInService && !node.isRetired && isComplete) {
      node.isInService = true;
      node.inServiceSinceMs = this.#world.nowMs;
      this.#world.note(`${node.id} is in service`);
    }
  }

  #changedSlot(before: RunningSlot | undefined, slot: Slot): RunningSlot {
    const { nowMs, random } = this.#world;
    const isNew =
      before === undefined || before.state === "maint" || before.address !== slot.address;
    const upFromMs = isNew ? nowMs + random.between(CHECK_MS_MIN, CHECK_MS_MAX) : before.upFromMs;
    let sessionsUntilMs = before?.sessionsUntilMs ?? 0;
    if (slot.state === "ready") sessionsUntilMs = Infinity;
    else if (before?.state === "ready") sessionsUntilMs = nowMs + this.#lastSessionMs();
    return { ...slot, upFromMs, sessionsUntilMs };
  }

  /** Most requests are short, some are streams, and some never end by themselves. */
  #lastSessionMs(): number {
    const { random } = this.#world;
    const kind = random.next();
    if (kind < 0.6) return random.between(0, 1_000);
    return kind < 0.9 ? random.between(0, 8_000) : Infinity;
  }

  #started({ version, route, releases, slots }: EdgeConfig): Running {
    const { nowMs, random } = this.#world;
    const start = (slot: Slot): RunningSlot => ({
      ...slot,
      upFromMs: nowMs + random.between(CHECK_MS_MIN, CHECK_MS_MAX),
      sessionsUntilMs: slot.state === "ready" ? Infinity : 0,
    });
    return {
      version,
      route: { ...route },
      releases,
      slots: { blue: slots.blue.map(start), green: slots.green.map(start) },
    };
  }

  #updateShares(node: SimulatedNode): void {
    if (!node.isInService) return;
    for (const colour of COLOURS) {
      if (this.shareOf(node, colour) > 0) node.lastShareMs[colour] = this.#world.nowMs;
    }
  }
}

function emptyConfig(slotsPerColour: number): EdgeConfig {
  const slots = (): Slot[] =>
    Array.from({ length: slotsPerColour }, () => ({ address: null, state: "maint" }));
  return {
    version: 0,
    route: { live: "blue", next: "green", splitBp: 0 },
    releases: { blue: null, green: null },
    slots: { blue: slots(), green: slots() },
  };
}
