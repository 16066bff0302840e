import type { Timer } from "../engine/timer.ts";
import { Random } from "./random.ts";
import { FAULTS_UNTIL_MS, type Scenario } from "./scenario.ts";

export const START_MS = 1_000_000;
const LATENCY_MS_MAX = 60;
const DOUBLE_MS_MAX = 4_000;

/** A controller process: what it is told after its death is ignored, and while it is suspended kept. */
export type Process = { state: "running" | "suspended" | "dead"; kept: (() => void)[] };

export const newProcess = (): Process => ({ state: "running", kept: [] });

/** What all parts of the simulated world share. */
export class World {
  readonly time: Timer;
  readonly random: Random;
  readonly scenario: Scenario;
  readonly violations: string[] = [];
  /** What happened, for the message of a failed test. */
  readonly log: string[] = [];
  /** Called at every boundary of an effect; may kill the controller. */
  onBoundary: (process: Process) => void = () => undefined;

  constructor(scenario: Scenario, time: Timer) {
    this.scenario = scenario;
    this.time = time;
    this.random = new Random(scenario.seed);
  }

  get nowMs(): number {
    return this.time.nowMs();
  }

  get hasFaults(): boolean {
    return this.nowMs < START_MS + FAULTS_UNTIL_MS;
  }

  violate(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  note(text: string): void {
    this.log.push(`${((this.nowMs - START_MS) / 1_000).toFixed(3)} ${text}`);
  }

  /** Delivers something to a process, now, later, or never. */
  deliver(process: Process, work: () => void): void {
    if (process.state === "running") work();
    else if (process.state === "suspended") process.kept.push(work);
  }

  /** A write: the request may be lost, doubled or refused, and its reply may be lost. */
  write(process: Process, apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (process.state !== "running") return;
      this.onBoundary(process);
      const { faults } = this.scenario;
      const rate = this.hasFaults ? 1 : 0;
      if (this.random.chance(faults.throttled * rate)) {
        this.#reply(process, () => reject(new Error("throttled")));
        return;
      }
      if (this.random.chance((faults.lost * rate) / 2)) return;
      const isReplyLost = this.random.chance((faults.lost * rate) / 2);
      if (this.random.chance(faults.doubled * rate)) {
        this.time.later(this.random.between(0, DOUBLE_MS_MAX), () => ignoringErrors(apply));
      }
      this.time.later(this.#latencyMs(), () => {
        let reply: () => void = resolve;
        try {
          apply();
        } catch (error) {
          reply = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.onBoundary(process);
        if (!isReplyLost) this.#reply(process, reply);
      });
    });
  }

  /** A read of what is the case now, which arrives later. */
  read<Value>(process: Process, value: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (process.state !== "running") return;
      const rate = this.hasFaults ? this.scenario.faults.lost : 0;
      if (this.random.chance(rate)) return;
      try {
        const found = value();
        this.#reply(process, () => resolve(found));
      } catch (error) {
        this.#reply(process, () =>
          reject(error instanceof Error ? error : new Error(String(error))),
        );
      }
    });
  }

  #reply(process: Process, work: () => void): void {
    this.time.later(this.#latencyMs(), () => this.deliver(process, work));
  }

  #latencyMs(): number {
    return this.random.between(1, LATENCY_MS_MAX);
  }
}

function ignoringErrors(work: () => void): void {
  try {
    work();
  } catch {
    // Nobody waits for the reply of a doubled request.
  }
}
