import { AppError } from "#platform/errors.ts";

import type { Drivers } from "../drivers.ts";
import type { AuditEntry, Change, Journal } from "../journal/port.ts";
import { checkVersion, type Command, obey } from "../machine/commands.ts";
import type { Deploy } from "../machine/deploy.ts";
import { type Freeze, freezeOf } from "../machine/freezes.ts";
import type { Judge } from "../machine/judge.ts";
import type { Limits } from "../machine/limits.ts";
import { type DeployRequest, hashPlan, type Plan } from "../machine/plan.ts";
import { afterQueue, queueOf } from "../machine/queue.ts";
import type { Train } from "../machine/train.ts";
import { newWorkload, withSlots, type Workload } from "../machine/workload.ts";
import { commandAudit, freezeAudit } from "./audit.ts";
import type { Pace } from "./observer.ts";
import { LoadedRecords } from "./records.ts";
import { checkFreeze, checkSame, newDeploys, type NewRequest, planned } from "./requests.ts";
import type { Timer } from "./timer.ts";
import { turnOf } from "./turn.ts";
import { activeOf, bumped, RETRY_MS, type Shared, WorkloadLoop } from "./workload-loop.ts";
import type { WorkloadStatus } from "./workload-status.ts";

export type DeployerOptions = {
  journal: Journal;
  drivers: Drivers;
  timer: Timer;
  limits: Limits;
  pace: Pace;
  judge: Judge;
  /** The workloads that may be deployed. Those that the journal has get more slots if they have fewer; never fewer. */
  workloads: readonly { name: string; slotsPerColour: number }[];
  /** Why no deploy may start now, besides freezes, for people. */
  heldBack?(): string | undefined;
  /** Called with each change after it has become durable. */
  onChange?(change: Change): void;
};

/** The controller of all deploys: the only writer of their journal. */
export class Deployer {
  readonly #options: DeployerOptions;
  readonly #records = new LoadedRecords();
  readonly #loops = new Map<string, WorkloadLoop>();
  #effects = 0;
  #lastPlace = 0;
  #isClosed = false;

  private constructor(options: DeployerOptions) {
    this.#options = options;
  }

  /** Continues the deploys of the journal where the controller before stopped. */
  static async open(options: DeployerOptions): Promise<Deployer> {
    const deployer = new Deployer(options);
    await deployer.#open();
    return deployer;
  }

  /** Aborts when another controller has taken over. This one does nothing any more then. */
  get lost(): AbortSignal {
    return this.#options.journal.lost;
  }

  /** Stops without changing anything: fleet and edge keep what they have. */
  close(): void {
    this.#isClosed = true;
    for (const loop of this.#loops.values()) loop.stop();
  }

  /** A dry run: what the deploy will do when it is its turn. @throws AppError not_found; unprocessable if the edge has no places for its tasks */
  plan(request: DeployRequest): { plan: Plan; hash: string } {
    const plan = planned(this.#workloadThen(request.workload), request);
    return { plan, hash: hashPlan(plan) };
  }

  /**
   * Queues a deploy; the same `key` returns the same deploy.
   * @throws AppError precondition_failed if the plan is not the one of `planHash` any more; unprocessable if the key was
   *   used for another request
   */
  async request(request: NewRequest): Promise<Deploy> {
    const [deploy] = await this.requestTrain("", [request]);
    if (deploy === undefined) throw new Error("no deploy was queued");
    return deploy;
  }

  /** Queues the deploys of several workloads, all or none. Without a name it is no train but a single deploy. */
  async requestTrain(name: string, requests: readonly NewRequest[]): Promise<Deploy[]> {
    const { timer } = this.#options;
    const earlier = await this.#earlier(requests);
    if (earlier !== undefined) return [earlier];
    const change = newDeploys(name, requests, {
      nowMs: timer.nowMs(),
      placeFrom: this.#nextPlace(requests.length),
      workload: (it) => this.#workloadThen(it),
    });
    try {
      await this.#commit(change);
    } catch (error) {
      // The same request may have come twice at the same time.
      const other = await this.#earlier(requests);
      if (other === undefined) throw error;
      return [other];
    }
    for (const { workload } of change.deploys) this.#loops.get(workload)?.wake();
    return change.deploys;
  }

  /** The deploy of the same request, if it was sent before. @throws AppError if it was another one */
  async #earlier([first]: readonly NewRequest[]): Promise<Deploy | undefined> {
    const { journal } = this.#options;
    const earlier = first?.key === undefined ? undefined : await journal.requested(first.key);
    if (first !== undefined && earlier !== undefined) checkSame(first, earlier);
    return earlier;
  }

  /**
   * `version`: of the deploy that the person has seen.
   * @throws AppError not_found; conflict if the command does not fit; precondition_failed if the version is another one
   */
  async command(id: string, command: Command, version?: number): Promise<Deploy> {
    const { timer } = this.#options;
    const loop = this.#loop(this.#running(id).workload);
    return loop.do(async () => {
      const before = this.#running(id);
      if (version !== undefined) checkVersion(before, version);
      const after = bumped(obey(before, command, timer.nowMs()));
      await this.#commit({ deploys: [after], audit: [commandAudit(before, after, command)] });
      return after;
    });
  }

  /** Adds or replaces a freeze. @throws AppError unprocessable with the fields that are not valid now */
  async freeze(freeze: Freeze, by: Pick<Command, "actor" | "reason">): Promise<void> {
    checkFreeze(freeze, this.#nowMs);
    const before = this.#records.freezes.get(freeze.id);
    const after = { ...freeze, version: (before?.version ?? 0) + 1 };
    const audit = [freezeAudit(freeze.id, { ...by, before, after, atMs: this.#nowMs })];
    await this.#commit({ freezes: [after], audit });
  }

  /** @throws AppError not_found */
  async thaw(id: string, by: Pick<Command, "actor" | "reason">): Promise<void> {
    const before = this.#records.freezes.get(id);
    if (before === undefined) throw new AppError("not_found", `There is no freeze ${id}.`);
    const audit = [freezeAudit(id, { ...by, before, after: undefined, atMs: this.#nowMs })];
    await this.#commit({ thawed: [id], audit });
  }

  /** Adds to the audit log what somebody did with the edge, which no other record has. */
  async note(entry: AuditEntry): Promise<void> {
    await this.#commit({ audit: [entry] });
  }

  get freezes(): Freeze[] {
    return [...this.#records.freezes.values()];
  }

  /** Those that have not ended. */
  get trains(): Train[] {
    return [...this.#records.trains.values()];
  }

  get workloads(): string[] {
    return [...this.#loops.keys()];
  }

  /** Why no deploy of the workload may start now, for people. */
  frozen(name: string): string | undefined {
    const { timer, heldBack } = this.#options;
    return freezeOf(this.freezes, name, timer.nowMs()) ?? heldBack?.();
  }

  status(name: string): WorkloadStatus {
    return {
      workload: this.#workload(name),
      active: activeOf(this.#records.deploys.values(), name),
      queue: queueOf(this.#records.deploys.values(), name),
      waitsFor: this.#loop(name).waitsFor,
      seen: this.#loop(name).seen,
    };
  }

  async #open(): Promise<void> {
    const { journal, workloads } = this.#options;
    this.#records.load(await journal.load());
    const changed = workloads.flatMap(({ name, slotsPerColour }) => {
      const known = this.#records.workloads.get(name);
      const now = known ? withSlots(known, slotsPerColour) : newWorkload(name, slotsPerColour);
      return now === known ? [] : [bumped(now)];
    });
    if (changed.length > 0) await this.#commit({ workloads: changed });
    journal.lost.addEventListener("abort", () => this.close(), { once: true });
    const shared = this.#shared();
    for (const { name } of workloads) this.#loops.set(name, new WorkloadLoop(name, shared));
    for (const loop of this.#loops.values()) loop.start();
  }

  #shared(): Shared {
    const { drivers, timer, limits, pace, judge, journal } = this.#options;
    return {
      drivers,
      timer,
      limits,
      pace,
      judge,
      workload: (name) => this.#workload(name),
      active: (name) => activeOf(this.#records.deploys.values(), name),
      freeze: (name) => this.frozen(name),
      turn: (name) => turnOf(this.#records, this.#workload(name), { nowMs: timer.nowMs(), limits }),
      newEffectId: () => {
        this.#effects += 1;
        return `${journal.fence}.${this.#effects}`;
      },
      commit: (change) => this.#commit(change),
      isLost: () => journal.lost.aborted,
    };
  }

  /** Places increase with time, also over restarts. */
  #nextPlace(count: number): number {
    const last = Math.max(
      this.#lastPlace,
      ...[...this.#records.deploys.values()].map((it) => it.place),
    );
    const first = Math.max(last + 1, this.#options.timer.nowMs());
    this.#lastPlace = first + count - 1;
    return first;
  }

  async #commit(change: Change): Promise<void> {
    try {
      await this.#options.journal.commit(change);
    } catch (error) {
      await this.#reload();
      throw error;
    }
    this.#records.apply(change);
    this.#options.onChange?.(change);
    // The end of one deploy may be the turn of another.
    const hasEnded = change.deploys?.some(({ times }) => times.doneMs !== null) ?? false;
    if (hasEnded) for (const loop of this.#loops.values()) loop.wake();
  }

  /** After a failed commit it is unknown what is durable, so the records are loaded again, as soon as that works. */
  async #reload(): Promise<void> {
    const { journal, timer } = this.#options;
    if (this.#isClosed || journal.lost.aborted) return;
    try {
      this.#records.load(await journal.load());
    } catch {
      timer.later(RETRY_MS, () => void this.#reload());
      return;
    }
    for (const loop of this.#loops.values()) loop.wake();
  }

  get #nowMs(): number {
    return this.#options.timer.nowMs();
  }

  #workload(name: string): Workload {
    const workload = this.#records.workloads.get(name);
    if (workload !== undefined) return workload;
    const known = [...this.#records.workloads.keys()].join(", ");
    throw new AppError("not_found", `There is no workload ${name}. The workloads are ${known}.`);
  }

  /** The workload as a deploy finds it that is requested now. */
  #workloadThen(name: string): Workload {
    return afterQueue(this.#workload(name), this.#records.deploys.values());
  }

  #loop(name: string): WorkloadLoop {
    const loop = this.#loops.get(name);
    if (loop === undefined)
      throw new AppError("not_found", `The workload ${name} is not deployed here.`);
    return loop;
  }

  #running(id: string): Deploy {
    const deploy = this.#records.deploys.get(id);
    if (deploy === undefined || deploy.times.doneMs !== null) {
      throw new AppError("not_found", `There is no deploy ${id} that has not ended.`);
    }
    return deploy;
  }
}
