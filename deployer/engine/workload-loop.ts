import type { Drivers } from "../drivers.ts";
import type { Change, Intent, Result } from "../journal/port.ts";
import { type Deploy, isActive } from "../machine/deploy.ts";
import { targetOf } from "../machine/effects.ts";
import { findMove } from "../machine/find-move.ts";
import type { Judge } from "../machine/judge.ts";
import type { Limits } from "../machine/limits.ts";
import { type Decision, next } from "../machine/next.ts";
import type { Observation } from "../machine/observation.ts";
import type { Workload } from "../machine/workload.ts";
import { Observer, type Pace } from "./observer.ts";
import { perform } from "./perform.ts";
import { Targets } from "./targets.ts";
import { type Timer, within } from "./timer.ts";

/** What the loops of all workloads share. */
export type Shared = {
  drivers: Drivers;
  timer: Timer;
  limits: Limits;
  pace: Pace;
  judge: Judge;
  workload(name: string): Workload;
  /** The active deploy of a workload. */
  active(workload: string): Deploy | undefined;
  freeze(workload: string): string | undefined;
  /** The change that lets a deploy leave the queue, if one may. */
  turn(workload: string): Change | undefined;
  newEffectId(): string;
  /** Makes the change durable, and then visible. */
  commit(change: Change): Promise<void>;
  isLost(): boolean;
};

/** After a failed commit, for example because the database restarts. */
export const RETRY_MS = 500;

/**
 * Moves one workload: observe, decide, persist, act, and again. One turn at a time, so that all decisions see what
 * those before them have persisted.
 */
export class WorkloadLoop {
  readonly #name: string;
  readonly #shared: Shared;
  readonly #observer: Observer;
  readonly #targets = new Targets();
  readonly #sinceMs: number;
  readonly #jobs: (() => Promise<void>)[] = [];
  #results: Result[] = [];
  #isRunning = false;
  #isDue = false;
  #isStopped = false;
  /** Why the last turn failed. */
  #problem: string | undefined;

  constructor(name: string, shared: Shared) {
    this.#name = name;
    this.#shared = shared;
    this.#sinceMs = shared.timer.nowMs();
    this.#observer = new Observer({
      workload: name,
      drivers: shared.drivers,
      timer: shared.timer,
      pace: shared.pace,
      deploy: () => shared.active(name),
      isSending: (target) => this.#targets.isSending(target),
      onChange: () => this.wake(),
    });
  }

  start(): void {
    this.#observer.start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#observer.stop();
  }

  /** Why the workload or its active deploy is where it is, for people; undefined while nothing is in the way. */
  get waitsFor(): string | undefined {
    const deploy = this.#shared.active(this.#name);
    if (this.#problem !== undefined) {
      return `The controller could not go on, and tries again: ${this.#problem}`;
    }
    if (deploy === undefined) return undefined;
    const workload = this.#shared.workload(this.#name);
    const exit = findMove({ ...this.#inputOf({ workload, deploy }), deploy });
    return "waits" in exit ? exit.waits : undefined;
  }

  get seen(): Observation {
    return this.#observer.seen;
  }

  /** Looks at the workload soon. */
  wake(): void {
    this.#isDue = true;
    if (!this.#isRunning && !this.#isStopped) void this.#run();
  }

  /** Runs the work between two turns. */
  do<Value>(work: () => Promise<Value>): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.#jobs.push(() => work().then(resolve, reject));
    this.wake();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false;
      try {
        for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
          await job();
          this.#targets.hurry();
        }
        await this.#turn();
        this.#problem = undefined;
      } catch (error) {
        this.#problem = messageOf(error);
        // Nothing may be done that is not durable. The records were loaded again.
        this.#shared.timer.later(RETRY_MS, () => this.wake());
      }
    }
    this.#isRunning = false;
  }

  async #turn(): Promise<void> {
    const { active, turn, commit, workload } = this.#shared;
    if (active(this.#name) === undefined) {
      const change = turn(this.#name);
      if (change !== undefined) {
        await commit(change);
        this.#observer.refocus();
      }
    }
    const before = { workload: workload(this.#name), deploy: active(this.#name) };
    const decision = next(this.#inputOf(before));
    await this.#carryOut(before, decision);
  }

  #inputOf({ workload, deploy }: Pick<Decision, "workload" | "deploy">) {
    const { timer, limits, judge, freeze } = this.#shared;
    const nowMs = timer.nowMs();
    return {
      workload,
      deploy,
      seen: this.#observer.seen,
      nowMs,
      limits,
      judge,
      decidesSinceMs: this.#sinceMs,
      freeze: freeze(this.#name),
      isBusy: (target: string) => this.#targets.isBusy(target, nowMs),
    };
  }

  async #carryOut(
    before: Pick<Decision, "workload" | "deploy">,
    decision: Decision,
  ): Promise<void> {
    const intents = this.#intentsOf(decision);
    const results = this.#results;
    const change = changeOf(before, { ...decision, intents, results });
    if (Object.keys(change).length === 0) return;
    await this.#shared.commit(change);
    this.#results = this.#results.slice(results.length);
    if (decision.deploy?.enteredAtMs !== before.deploy?.enteredAtMs) {
      this.#observer.refocus();
      this.#targets.hurry();
      this.#isDue = true;
    }
    for (const intent of intents) void this.#send(intent);
  }

  #intentsOf({ deploy, effects }: Decision): Intent[] {
    const { timer, newEffectId } = this.#shared;
    const common = { workload: this.#name, deploy: deploy?.id ?? null, atMs: timer.nowMs() };
    return effects.map((effect) => ({ id: newEffectId(), effect, ...common }));
  }

  async #send(intent: Intent): Promise<void> {
    const { drivers, timer, pace, isLost } = this.#shared;
    if (this.#isStopped || isLost()) return;
    const target = targetOf(intent.effect);
    this.#targets.begin(target);
    this.#observer.outdate(target);
    const msMax = target.startsWith("node:") ? pace.writeMsMax : pace.fleetWriteMsMax;
    const result = await within(timer, msMax, () => perform(drivers, intent)).then(
      () => ({ status: "ok", reply: "" }) as const,
      (error: unknown) => ({ status: "failed", reply: messageOf(error) }) as const,
    );
    if (this.#isStopped) return;
    const nowMs = timer.nowMs();
    this.#targets.end(target, { ok: result.status === "ok", nowMs });
    this.#results.push({ id: intent.id, ...result, atMs: nowMs });
    this.#observer.outdate(target);
    this.#observer.reread(target);
    this.wake();
  }
}

/** What a decision writes; only what has changed. */
function changeOf(
  before: Pick<Decision, "workload" | "deploy">,
  { workload, deploy, intents, results }: Decision & { intents: Intent[]; results: Result[] },
): Change {
  const isChanged = deploy !== undefined && deploy !== before.deploy;
  return {
    ...(workload === before.workload ? {} : { workloads: [bumped(workload)] }),
    ...(isChanged ? { deploys: [bumped(deploy)] } : {}),
    ...(intents.length === 0 ? {} : { intents }),
    ...(results.length === 0 ? {} : { results }),
  };
}

/** The record to write: its version is one more. */
export const bumped = <Value extends { version: number }>(record: Value): Value => ({
  ...record,
  version: record.version + 1,
});

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export const activeOf = (deploys: Iterable<Deploy>, workload: string): Deploy | undefined =>
  [...deploys].find((deploy) => deploy.workload === workload && isActive(deploy));
