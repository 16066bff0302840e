import type {
  Drivers,
  EdgeNode,
  FleetView,
  NodeView,
  OneOffView,
  TrafficView,
} from "../drivers.ts";
import type { Deploy } from "../machine/deploy.ts";
import { measuredFrom, oneOffOf } from "../machine/effects.ts";
import type { Observation } from "../machine/observation.ts";
import { Poller } from "./poller.ts";
import type { Timer } from "./timer.ts";

export type Pace = {
  /** Between two reads while a deploy is active, and otherwise. */
  activeMs: number;
  idleMs: number;
  readMsMax: number;
  /** The same of the fleet, also for work that it does. */
  fleetReadMsMax: number;
  writeMsMax: number;
  /** The same of the fleet and of one-off work in it. */
  fleetWriteMsMax: number;
};

export const PACE: Pace = {
  activeMs: 500,
  idleMs: 2_000,
  readMsMax: 2_000,
  fleetReadMsMax: 2_000,
  writeMsMax: 5_000,
  fleetWriteMsMax: 5_000,
};

type Polling = Pick<Poller<unknown>, "poke" | "stop">;

type NodeState = {
  poller: Polling;
  view: NodeView | undefined;
  isUnreachable: boolean;
};

type Options = {
  workload: string;
  drivers: Drivers;
  timer: Timer;
  pace: Pace;
  deploy: () => Deploy | undefined;
  isSending: (target: string) => boolean;
  onChange: () => void;
};

/** Reads what decisions need, again and again. What was read before a write to its target does not count. */
export class Observer {
  readonly #options: Options;
  readonly #nodes = new Map<string, NodeState>();
  readonly #fleets: Polling;
  readonly #oneOffs: Polling;
  readonly #pollers: readonly Polling[];
  #hasNodes = false;
  #fleet: FleetView | undefined;
  #fleetProblem: string | undefined;
  #oneOff: { token: string; view: OneOffView } | undefined;
  #traffic: { fromMs: number; view: TrafficView } | undefined;

  constructor(options: Options) {
    this.#options = options;
    const { drivers, workload, pace } = options;
    const nodes = this.#poller(
      () => drivers.edge.nodes(),
      (list) => this.#onNodes(list),
    );
    this.#fleets = this.#poller(
      () => drivers.fleet.read(workload),
      (fleet, problem) => {
        this.#fleet = fleet;
        this.#fleetProblem = problem === undefined ? undefined : messageOf(problem);
      },
      pace.fleetReadMsMax,
    );
    this.#oneOffs = this.#poller(
      () => this.#readOneOff(),
      (oneOff) => {
        this.#oneOff = oneOff;
      },
      pace.fleetReadMsMax,
    );
    const traffic = this.#poller(
      () => this.#readTraffic(),
      (view) => {
        this.#traffic = view;
      },
    );
    this.#pollers = [nodes, this.#fleets, this.#oneOffs, traffic];
  }

  start(): void {
    for (const poller of this.#pollers) poller.poke();
  }

  stop(): void {
    for (const poller of this.#pollers) poller.stop();
    for (const { poller } of this.#nodes.values()) poller.stop();
  }

  /** What is known now. */
  get seen(): Observation {
    const deploy = this.#options.deploy();
    const isMeasured = deploy !== undefined && this.#traffic?.fromMs === measuredFrom(deploy);
    return {
      fleet: this.#fleet,
      fleetProblem: this.#fleetProblem,
      nodes: this.#hasNodes
        ? [...this.#nodes].map(([id, { view, isUnreachable }]) => ({ id, view, isUnreachable }))
        : undefined,
      oneOff: this.#oneOff,
      traffic: isMeasured ? this.#traffic?.view : undefined,
    };
  }

  /** A request to the target is about to be sent, or has just ended: what was read before is outdated. */
  outdate(target: string): void {
    const node = this.#nodes.get(target.replace(/^node:/, ""));
    if (node !== undefined) node.view = undefined;
    if (target === "one-off") this.#oneOff = undefined;
  }

  /** Reads the target at once. */
  reread(target: string): void {
    if (target === "fleet") this.#fleets.poke();
    else if (target === "one-off") this.#oneOffs.poke();
    else this.#nodes.get(target.replace(/^node:/, ""))?.poller.poke();
  }

  /** The deploy has entered another state, which may need other observations. */
  refocus(): void {
    for (const poller of this.#pollers) poller.poke();
  }

  #poller<Value>(
    read: () => Promise<Value>,
    onRead: (value: Value | undefined, problem: unknown) => void,
    timeoutMs = this.#options.pace.readMsMax,
  ): Polling {
    const { timer, pace, deploy, onChange } = this.#options;
    return new Poller<Value>({
      timer,
      timeoutMs,
      intervalMs: () => (deploy() === undefined ? pace.idleMs : pace.activeMs),
      read,
      onRead: (value, problem) => {
        onRead(value, problem);
        onChange();
      },
    });
  }

  #onNodes(nodes: readonly EdgeNode[] | undefined): void {
    // Without the list, no node may be forgotten.
    if (nodes === undefined) return;
    const present = new Set(nodes.filter(({ retired }) => !retired).map(({ id }) => id));
    for (const [id, { poller }] of this.#nodes) {
      if (present.has(id)) continue;
      poller.stop();
      this.#nodes.delete(id);
    }
    for (const id of present) if (!this.#nodes.has(id)) this.#addNode(id);
    this.#hasNodes = true;
  }

  #addNode(id: string): void {
    const { drivers, workload, isSending } = this.#options;
    const poller = this.#poller(
      () => drivers.edge.read(id, workload),
      (view) => {
        node.isUnreachable = view === undefined;
        node.view = isSending(`node:${id}`) ? undefined : view;
      },
    );
    const node: NodeState = { poller, view: undefined, isUnreachable: false };
    this.#nodes.set(id, node);
    poller.poke();
  }

  async #readOneOff(): Promise<{ token: string; view: OneOffView } | undefined> {
    const deploy = this.#options.deploy();
    const due = deploy && oneOffOf(deploy);
    if (due === undefined) return undefined;
    return { token: due.token, view: await this.#options.drivers.oneOffs.read(due.token) };
  }

  async #readTraffic(): Promise<{ fromMs: number; view: TrafficView } | undefined> {
    const { deploy, drivers, workload } = this.#options;
    const active = deploy();
    const fromMs = active && measuredFrom(active);
    if (fromMs === undefined) return undefined;
    return { fromMs, view: await drivers.traffic.read(workload, fromMs) };
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
