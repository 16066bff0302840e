import { readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";

import type { Log } from "#platform/log.ts";

import type { Action, Health, ProcessState } from "../scheduler/world.ts";
import type { ContainerDefinition } from "../shapes.ts";
import type { EcsState, Task } from "../state.ts";
import { boundLog } from "./bounded-log.ts";
import { ContainerProcess } from "./container-process.ts";
import { runHealthCheck } from "./health-check.ts";
import { addResult, type HealthTrack, healthTimes, newTrack } from "./health-track.ts";
import { programOf } from "./program-of.ts";

const BOUND_LOGS_EVERY_MS = 2_000;

type RunnerOptions = {
  /** A folder with one folder for each task. */
  folder: string;
  /** The output of a container takes up to twice as much. */
  logBytesMax: number;
  secondMs: number;
  /** Monotonic. */
  nowMs(): number;
  /** Something may have changed. */
  onChange(): void;
};

/** The processes of all tasks, and their health checks. It decides nothing. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #processes = new Map<string, ContainerProcess>();
  readonly #checks = new Map<string, { track: HealthTrack; isRunning: boolean }>();
  #logsBoundMs = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  processOf(task: Task, container: string): ProcessState {
    return this.#process(task, container).state(this.#options.nowMs());
  }

  healthOf(task: Task, container: string): Health | undefined {
    const track = this.#checks.get(keyOf(task, container))?.track;
    return track === undefined || track.status === "UNKNOWN" ? undefined : track;
  }

  logFileOf(task: Task, container: string): string {
    return this.#process(task, container).logFile;
  }

  perform(action: Action, definition: ContainerDefinition): void {
    const it = this.#process(action.task, action.container);
    if (action.type === "signal") it.signal(action.signal);
    else if (action.type === "prevent") it.prevent();
    else it.start(programOf(definition, action.task), this.#options.onChange);
  }

  /** Runs the health checks that are due, forgets tasks that are gone, and bounds the logs. To be called regularly. */
  tend(state: EcsState): void {
    const running = new Set<string>();
    for (const task of state.tasks.values()) {
      const definition = state.taskDefinitions.get(task.taskDefinitionArn);
      for (const container of definition?.containers ?? []) {
        if (!this.#isRunning(task, container.name)) continue;
        running.add(keyOf(task, container.name));
        if (container.healthCheck) this.#check(task, container);
      }
    }
    for (const key of this.#checks.keys()) if (!running.has(key)) this.#checks.delete(key);
    if (this.#options.nowMs() >= this.#logsBoundMs + BOUND_LOGS_EVERY_MS) this.#boundLogs(running);
  }

  /** Deletes the folder of a task, with its logs. */
  async forget(task: Task): Promise<void> {
    for (const { name } of task.containers) this.#processes.delete(keyOf(task, name));
    await rm(path.join(this.#options.folder, task.id), { recursive: true, force: true });
  }

  /**
   * Deletes what is left of tasks that the state does not have, such as those of a state that was deleted. Their processes are
   * not ended: nobody knows what they serve.
   */
  sweep(state: EcsState, log: Log): void {
    const known = new Set([...state.tasks.values()].map(({ id }) => id));
    for (const id of readdirSync(this.#options.folder).filter((it) => !known.has(it))) {
      const folder = path.join(this.#options.folder, id);
      const running = readdirSync(folder).filter((container) => {
        const it = new ContainerProcess(path.join(folder, container));
        return it.state(this.#options.nowMs()).kind === "running";
      });
      if (running.length === 0) rmSync(folder, { recursive: true, force: true });
      else
        log.warn("a process of an unknown task is running; end it if it is not needed", { folder });
    }
  }

  #isRunning(task: Task, name: string): boolean {
    const container = task.containers.find((it) => it.name === name);
    return container?.lastStatus === "RUNNING";
  }

  #check(task: Task, container: ContainerDefinition): void {
    const { nowMs, secondMs, onChange } = this.#options;
    const { healthCheck } = container;
    const key = keyOf(task, container.name);
    const known = this.#checks.get(key) ?? { track: newTrack(nowMs()), isRunning: false };
    this.#checks.set(key, known);
    if (!healthCheck || known.isRunning || nowMs() < known.track.nextAtMs) return;
    const times = healthTimes(healthCheck, secondMs);
    const own = task.containers.find(({ name }) => name === container.name);
    known.isRunning = true;
    void runHealthCheck(healthCheck.command, {
      address: task.address,
      ports: own?.ports ?? [],
      program: programOf(container, task),
      timeoutMs: times.timeoutMs,
    }).then((problem) => {
      const before = known.track.status;
      known.track = addResult(known.track, { problem, nowMs: nowMs(), times });
      known.isRunning = false;
      if (known.track.status !== before) onChange();
      return undefined;
    });
  }

  #boundLogs(running: ReadonlySet<string>): void {
    this.#logsBoundMs = this.#options.nowMs();
    for (const key of running) {
      const file = this.#processes.get(key)?.logFile;
      // A full disk is noticed elsewhere; the next call tries again.
      if (file !== undefined) boundLog(file, this.#options.logBytesMax).catch(() => undefined);
    }
  }

  #process(task: Task, container: string): ContainerProcess {
    const key = keyOf(task, container);
    let found = this.#processes.get(key);
    if (!found) {
      found = new ContainerProcess(path.join(this.#options.folder, task.id, container));
      this.#processes.set(key, found);
    }
    return found;
  }
}

const keyOf = (task: Task, container: string): string => `${task.id}/${container}`;
