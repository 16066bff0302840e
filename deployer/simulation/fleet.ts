import { COLOURS, type Colour, type EnsureTasks, type FleetView, type Task } from "../drivers.ts";
import type { World } from "./world.ts";

type SimulatedTask = Task & { colour: Colour };

const FAILURES_MAX = 3;
/** Until a task has ended that the scheduler stops for reasons of its own. */
const STOP_MS = 2_500;

type Service = {
  release: string | undefined;
  deploy: string | undefined;
  desired: number;
  isFailed: boolean;
  failed: number;
};

/** Two ECS services without a load balancer: they keep their desired counts, and answer with a lag. */
export class SimulatedFleet {
  readonly #world: World;
  readonly services: Record<Colour, Service> = { blue: newService(), green: newService() };
  readonly tasks = new Map<string, SimulatedTask>();
  /** When the last task of an address ended. */
  readonly endedMs = new Map<string, number>();
  /** When the scheduler began to stop the last task of an address. */
  readonly stoppingMs = new Map<string, number>();
  readonly #history: { atMs: number; view: FleetView }[] = [];
  /** Called before a task is stopped because of a request. */
  onStop: (task: SimulatedTask) => void = () => undefined;
  #number = 0;

  constructor(world: World) {
    this.#world = world;
    this.#remember();
  }

  /** As before the simulation: running and healthy. */
  begin(colour: Colour, release: string, count: number): Task[] {
    this.services[colour] = { ...newService(), release, desired: count };
    const tasks = Array.from({ length: count }, () => this.#add(colour, release));
    for (const task of tasks) Object.assign(task, { status: "running", healthy: true });
    this.#history.length = 0;
    this.#remember();
    return tasks;
  }

  /** The newest state that is older than a random lag. */
  view(): FleetView {
    const { random, scenario, hasFaults, nowMs } = this.#world;
    const lagMs = hasFaults ? random.between(0, scenario.faults.fleetLagMs) : 0;
    const found = this.#history.findLast(({ atMs }) => atMs <= nowMs - lagMs);
    const view = found?.view ?? this.#history[0]?.view;
    if (view === undefined) throw new Error("the fleet has no state");
    return view;
  }

  ensure({ colour, release, count, deploy }: EnsureTasks): void {
    const service = this.services[colour];
    if (service.deploy !== deploy && count > 0) {
      this.services[colour] = { ...newService(), release, deploy, desired: count };
    } else {
      service.desired = count;
    }
    this.#world.note(`fleet ${colour} := ${count} of ${release}`);
    this.#schedule(colour);
  }

  isAlive = (address: string | null): boolean =>
    [...this.tasks.values()].some((task) => task.address === address && task.healthy);

  taskAt = (address: string | null): SimulatedTask | undefined =>
    [...this.tasks.values()].find((task) => task.address === address);

  /** Kills a task, or lets the scheduler stop it for reasons of its own. */
  disturb(colour: Colour, how: "kill" | "stop"): void {
    const task = this.#world.random.pick(
      [...this.tasks.values()].filter((it) => it.colour === colour && it.status === "running"),
    );
    if (task === undefined) return;
    this.#world.note(`${how} ${task.id}`);
    if (how === "kill") this.#end(task);
    else this.#stop(task, STOP_MS);
    this.#world.time.later(300, () => this.#schedule(colour));
  }

  /** What an auto-scaler does: another count, of which the deployer learns when it reads. */
  scale(colour: Colour, count: number): void {
    this.services[colour].desired = count;
    const running = [...this.tasks.values()].filter((it) => it.colour === colour);
    for (const task of running.slice(count)) this.#stop(task, STOP_MS);
    this.#schedule(colour);
  }

  #schedule(colour: Colour): void {
    const { release, desired, isFailed } = this.services[colour];
    const all = [...this.tasks.values()].filter(
      (it) => it.colour === colour && it.status !== "stopping",
    );
    const current = all.filter((it) => it.release === release);
    for (const task of current.slice(desired)) this.#stopByRequest(task);
    const missing = release === undefined || isFailed ? 0 : desired - current.length;
    for (let count = 0; count < missing; count += 1) {
      this.#start(this.#add(colour, release ?? ""));
    }
    const healthy = current.filter((it) => it.healthy).length;
    if (healthy >= desired && release !== undefined) {
      for (const task of all) if (task.release !== release) this.#stopByRequest(task);
    }
    this.#remember();
  }

  #add(colour: Colour, release: string): SimulatedTask {
    this.#number += 1;
    const task: SimulatedTask = {
      id: `task-${this.#number}`,
      address: `127.0.${Math.floor(this.#number / 250)}.${this.#number % 250}:80`,
      release,
      status: "starting",
      healthy: false,
      colour,
    };
    this.tasks.set(task.id, task);
    return task;
  }

  #start(task: SimulatedTask): void {
    const { time, random, scenario } = this.#world;
    const isBad = task.release === "new" && scenario.quality === "crash-loop";
    time.later(random.between(500, 3_000), () => {
      if (!this.tasks.has(task.id) || task.status !== "starting") return;
      if (isBad) {
        this.#end(task);
        this.#countFailure(task);
        time.later(300, () => this.#schedule(task.colour));
        return;
      }
      this.tasks.set(task.id, Object.assign(task, { status: "running", healthy: true }));
      if (task.release === "new" && scenario.quality === "dies-later") {
        time.later(random.between(3_000, 15_000), () => this.#die(task));
      }
      this.#schedule(task.colour);
    });
  }

  #die(task: SimulatedTask): void {
    if (!this.tasks.has(task.id) || !this.#world.hasFaults) return;
    this.#world.note(`${task.id} dies`);
    this.#end(task);
    this.#world.time.later(300, () => this.#schedule(task.colour));
  }

  #countFailure({ colour, release }: SimulatedTask): void {
    const service = this.services[colour];
    if (service.release !== release) return;
    service.failed += 1;
    if (service.failed >= FAILURES_MAX) service.isFailed = true;
  }

  #stopByRequest(task: SimulatedTask): void {
    if (task.status === "running") this.onStop(task);
    this.#stop(task, this.#world.random.between(300, 2_000));
  }

  #stop(task: SimulatedTask, ms: number): void {
    if (task.status === "stopping") return;
    task.status = "stopping";
    this.stoppingMs.set(task.address, this.#world.nowMs);
    this.#world.time.later(ms, () => this.#end(task));
    this.#remember();
  }

  #end(task: SimulatedTask): void {
    task.healthy = false;
    this.tasks.delete(task.id);
    this.endedMs.set(task.address, this.#world.nowMs);
    this.#remember();
  }

  #remember(): void {
    const [blue, green] = COLOURS.map((colour) => {
      const { release, deploy, desired, isFailed, failed } = this.services[colour];
      const tasks = [...this.tasks.values()]
        .filter((task) => task.colour === colour)
        .map(({ id, address, release: of, status, healthy }) => {
          return { id, address, release: of, status, healthy };
        });
      const isComplete = tasks.filter((task) => task.healthy).length >= desired;
      const rollout = isComplete ? "completed" : "in-progress";
      return {
        release,
        deploy,
        desired,
        failedTasks: failed,
        tasks,
        rollout: isFailed ? "failed" : rollout,
      } as const;
    });
    if (blue === undefined || green === undefined) return;
    this.#history.push({ atMs: this.#world.nowMs, view: { blue, green } });
  }
}

const newService = (): Service => ({
  release: undefined,
  deploy: undefined,
  desired: 0,
  isFailed: false,
  failed: 0,
});
