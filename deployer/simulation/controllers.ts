import type { Colour, Drivers } from "../drivers.ts";
import { Deployer } from "../engine/deployer.ts";
import type { Pace } from "../engine/observer.ts";
import type { Timer } from "../engine/timer.ts";
import type { Effect } from "../machine/effects.ts";
import { simpleJudge } from "../machine/judge.ts";
import { LIMITS, type Limits } from "../machine/limits.ts";
import type { SimulatedEdge } from "./edge.ts";
import type { SimulatedFleet } from "./fleet.ts";
import { SETTLE_MS } from "./invariants.ts";
import { type SimulatedOneOffs, type SimulatedTraffic } from "./outside.ts";
import { keyOf, type SimulatedJournal } from "./testing-journal.ts";
import { newProcess, type Process, type World } from "./world.ts";

const RESTART_MS_MAX = 2_000;

export const SIMULATED_LIMITS: Limits = {
  ...LIMITS,
  settleMs: SETTLE_MS,
  waitMsMax: 200_000,
  preflightMsMax: 5_000,
  preflightRetryMs: 3_000,
  migrationMsMax: 20_000,
  provisionMsMax: 30_000,
  verifyMsMax: 20_000,
  admitMsMax: 20_000,
  warmUpMsMax: 10_000,
  closeOverMs: 2_000,
  drainSlackMs: 20_000,
  retireMsMax: 60_000,
  announceMsMax: 10_000,
  thinMsMax: 10_000,
};
export const SIMULATED_PACE: Pace = {
  activeMs: 800,
  idleMs: 1_500,
  readMsMax: 1_000,
  fleetReadMsMax: 1_000,
  writeMsMax: 2_000,
  fleetWriteMsMax: 2_000,
};

/** Changes of the machine that a simulation must find. */
export type Mutant = {
  limits?: Partial<Limits>;
  /** Changes what the controller is told, or what it sends. */
  drivers?: (drivers: Drivers) => Drivers;
};

type Parts = {
  journal: SimulatedJournal;
  fleet: SimulatedFleet;
  edge: SimulatedEdge;
  oneOffs: SimulatedOneOffs;
  traffic: SimulatedTraffic;
  newColour: () => Colour;
  mutant: Mutant;
  workload: { name: string; slotsPerColour: number };
};

type Controller = { process: Process; lost: AbortController; deployer: Deployer | undefined };

/** The processes of the controller: one works, and others were killed or are suspended. */
export class Controllers {
  /** Boundaries of effects that were passed. */
  boundaries = 0;
  readonly #world: World;
  readonly #parts: Parts;
  #current: Controller | undefined;

  constructor(world: World, parts: Parts) {
    this.#world = world;
    this.#parts = parts;
    world.onBoundary = (process) => this.#onBoundary(process);
  }

  get running(): Deployer | undefined {
    return this.#current?.process.state === "running" ? this.#current.deployer : undefined;
  }

  /** A controller continues from the journal, as after a restart by a supervisor. */
  start(afterMs: number): void {
    this.#world.time.later(afterMs, () => {
      const process = newProcess();
      const controller = { process, lost: new AbortController(), deployer: undefined };
      this.#current = controller;
      this.#world.note("a controller starts");
      this.#open(controller);
    });
  }

  crash(): void {
    const process = this.#current?.process;
    if (process?.state !== "running") return;
    this.#world.note("the controller is killed");
    process.state = "dead";
    this.start(this.#world.random.between(0, RESTART_MS_MAX));
  }

  /** The controller stands still, another takes over, and the first one goes on. */
  suspend(forMs: number): void {
    const controller = this.#current;
    if (controller?.process.state !== "running") return;
    const { process, lost } = controller;
    this.#world.note("the controller is suspended");
    process.state = "suspended";
    this.start(this.#world.random.between(0, RESTART_MS_MAX));
    this.#world.time.later(forMs, () => {
      this.#world.note("the suspended controller goes on");
      process.state = "running";
      // It sees that its lease is over before it does anything else.
      if (this.#current !== controller) lost.abort();
      for (const work of process.kept.splice(0)) work();
    });
  }

  #onBoundary(process: Process): void {
    if (process !== this.#current?.process || process.state !== "running") return;
    if (this.#world.scenario.crashes.includes(this.boundaries)) this.crash();
    this.boundaries += 1;
  }

  #open(controller: Controller): void {
    const { process, lost } = controller;
    // Another one has the lease.
    if (this.#current !== controller) return;
    const timer: Timer = {
      nowMs: () => this.#world.nowMs,
      later: (ms, work) => this.#world.time.later(ms, () => this.#world.deliver(process, work)),
    };
    Deployer.open({
      journal: this.#parts.journal.open(process, lost),
      drivers: this.#drivers(process),
      timer,
      limits: { ...SIMULATED_LIMITS, ...this.#parts.mutant.limits },
      pace: SIMULATED_PACE,
      judge: simpleJudge(),
      workloads: [this.#parts.workload],
    }).then(
      (deployer) => Object.assign(controller, { deployer }),
      () => timer.later(500, () => this.#open(controller)),
    );
  }

  #drivers(process: Process): Drivers {
    const world = this.#world;
    const { fleet, edge, oneOffs, traffic, journal, workload, newColour, mutant } = this.#parts;
    const sent = (effect: Effect): void =>
      journal.checkSent(keyOf({ effect, workload: workload.name }));
    const drivers: Drivers = {
      fleet: {
        read: () => world.read(process, () => fleet.view()),
        ensure: (request) => {
          sent({ kind: "fleet.ensure", ...request });
          return world.write(process, () => fleet.ensure(request));
        },
      },
      edge: {
        nodes: () => world.read(process, () => edge.list()),
        read: (node) => world.read(process, () => edge.read(node)),
        apply: (node, _workload, config) => {
          sent({ kind: "edge.apply", node, config });
          return world.write(process, () => edge.apply(node, config));
        },
        closeSessions: (node, { colour, overMs }) => {
          sent({ kind: "edge.close", node, colour, overMs });
          return world.write(process, () => edge.closeSessions(node, colour, overMs));
        },
      },
      oneOffs: {
        read: (token) => world.read(process, () => oneOffs.read(token)),
        run: (token, work) => {
          sent({ kind: "one-off.run", token, work });
          return world.write(process, () => oneOffs.run(token, work));
        },
      },
      traffic: {
        read: (_workload, fromMs) => world.read(process, () => traffic.read(fromMs, newColour())),
      },
    };
    return mutant.drivers?.(drivers) ?? drivers;
  }
}
