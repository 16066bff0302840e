import { randomBytes } from "node:crypto";

import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { Runner } from "./processes/runner.ts";
import { definitionOf } from "./scheduler/new-task.ts";
import { step } from "./scheduler/step.ts";
import { stopTask } from "./scheduler/task-lifecycle.ts";
import type { Network, World } from "./scheduler/world.ts";
import type { StateFile } from "./state-file.ts";
import { changesBetween, type EcsState, put } from "./state.ts";

const TICK_MS_MAX = 250;
/** While all tasks are stopped: the process that stops them has little time itself, and ends what is left. */
const STOP_TIMEOUT_MAX_S = 7;
/** The longest lag of reads. */
const HISTORY_MS_MAX = 60_000;

export type EngineOptions = {
  file: Pick<StateFile, "read" | "write" | "close">;
  runner: Runner;
  clock: Clock;
  log: Log;
  secondMs: number;
  capacity: World["capacity"];
  network: Network;
  /** False while another process may have taken over. */
  mayAct(): boolean;
};

/**
 * Holds the state: every change is written before anything is done for it, and what has to be done is found again from the
 * state and the world, so an endpoint that was killed continues where it was.
 */
export class Engine {
  readonly #options: EngineOptions;
  #state: EcsState;
  /** Earlier states with the time until which each was valid, oldest first. */
  #history: { state: EcsState; untilMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #isStopping = false;
  #historyMs = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#state = options.file.read();
    const everyMs = Math.min(TICK_MS_MAX, options.secondMs);
    this.#timer = setInterval(() => this.#tick(), everyMs);
    this.kick();
  }

  get state(): EcsState {
    return this.#state;
  }

  world(): World {
    const { runner, clock, secondMs, capacity, network } = this.#options;
    return {
      nowMs: clock.nowMs(),
      secondMs,
      capacity,
      network,
      newId: () => randomBytes(16).toString("hex"),
      processOf: (task, container) => runner.processOf(task, container),
      healthOf: (task, container) => runner.healthOf(task, container),
      stopTimeoutMaxS: this.#isStopping ? STOP_TIMEOUT_MAX_S : undefined,
    };
  }

  /** The state of so long ago. Keeps earlier states from the first call with a lag on. */
  stateBefore(lagMs: number): EcsState {
    if (lagMs <= 0) return this.#state;
    this.#historyMs = Math.min(HISTORY_MS_MAX, Math.max(this.#historyMs, lagMs));
    const atMs = this.#options.clock.nowMs() - lagMs;
    return this.#history.find(({ untilMs }) => untilMs > atMs)?.state ?? this.#state;
  }

  /** Takes over a new state: written first, then carried out soon. @throws Error if it cannot be written */
  commit(next: EcsState): void {
    if (!this.#options.mayAct()) throw new Error("another endpoint may have taken over");
    this.#keep(next);
    this.kick();
  }

  /** Looks at the world soon. */
  kick(): void {
    if (this.#isDue || this.#timer === undefined) return;
    this.#isDue = true;
    setImmediate(() => this.#tick());
  }

  /** Ends without stopping tasks: another endpoint on the same folder goes on with them. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.file.close();
  }

  /**
   * Stops all tasks without changing any service, so that the next endpoint starts them again. Programs have less time than their stop
   * time-out. Ends early if another process may have taken over, whose tasks they are then.
   */
  async stopTasks(): Promise<void> {
    this.#isStopping = true;
    this.kick();
    const isOver = (): boolean =>
      [...this.#state.tasks.values()].every(({ lastStatus }) => lastStatus === "STOPPED");
    while (!isOver() && this.#options.mayAct())
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  #tick(): void {
    this.#isDue = false;
    if (this.#timer === undefined || !this.#options.mayAct()) return;
    const { runner, log } = this.#options;
    try {
      const world = this.world();
      const before = this.#state;
      const { state, actions } = step(this.#isStopping ? endAll(before, world) : before, world, {
        schedules: !this.#isStopping,
      });
      this.#keep(state);
      for (const action of actions) {
        const { containers } = definitionOf(state, action.task.taskDefinitionArn);
        const definition = containers.find(({ name }) => name === action.container);
        if (definition) runner.perform(action, definition);
      }
      for (const [arn, task] of before.tasks) {
        if (!state.tasks.has(arn)) runner.forget(task).catch(() => undefined);
      }
      runner.tend(state);
    } catch (error) {
      // Such as a full disk. Nothing is done for a state that could not be written; the next tick tries again.
      log.error("the scheduler of the local fleet failed and will try again", { error });
    }
  }

  #keep(next: EcsState): void {
    if (next === this.#state) return;
    this.#options.file.write(changesBetween(this.#state, next));
    const nowMs = this.#options.clock.nowMs();
    if (this.#historyMs > 0) {
      this.#history.push({ state: this.#state, untilMs: nowMs });
      this.#history = this.#history.filter(({ untilMs }) => untilMs >= nowMs - this.#historyMs);
    }
    this.#state = next;
  }
}

function endAll(state: EcsState, { nowMs }: World): EcsState {
  const reason = "The local endpoint is stopping";
  const live = [...state.tasks.values()].filter(({ desiredStatus }) => desiredStatus === "RUNNING");
  return put(
    state,
    "tasks",
    ...live.map((task) => stopTask(task, { code: "ServiceSchedulerInitiated", reason, nowMs })),
  );
}
