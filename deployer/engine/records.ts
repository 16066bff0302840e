import { type Change, NO_CHANGE, type Records } from "../journal/port.ts";
import type { Deploy } from "../machine/deploy.ts";
import type { Freeze } from "../machine/freezes.ts";
import type { Train } from "../machine/train.ts";
import type { Workload } from "../machine/workload.ts";

/** The records of the journal that decisions need, in memory. */
export class LoadedRecords {
  readonly workloads = new Map<string, Workload>();
  readonly deploys = new Map<string, Deploy>();
  readonly trains = new Map<string, Train>();
  readonly freezes = new Map<string, Freeze>();

  load(records: Records): void {
    for (const map of [this.workloads, this.deploys, this.trains, this.freezes]) map.clear();
    this.apply(records);
  }

  apply(change: Change): void {
    const { workloads, deploys, trains, freezes, thawed } = { ...NO_CHANGE, ...change };
    for (const it of workloads) this.workloads.set(it.name, it);
    for (const it of deploys) this.deploys.set(it.id, it);
    for (const it of trains) this.trains.set(it.id, it);
    for (const it of freezes) this.freezes.set(it.id, it);
    for (const id of thawed) this.freezes.delete(id);
    this.#forgetEnded();
  }

  /** Ended deploys are kept only while others of their train wait for them. */
  #forgetEnded(): void {
    for (const { id, cars } of this.trains.values()) {
      const isOver = cars.every(({ deploy }) => this.#hasEnded(deploy));
      if (isOver) this.trains.delete(id);
    }
    for (const { id, train } of this.deploys.values()) {
      if (this.#hasEnded(id) && !this.trains.has(train ?? "")) this.deploys.delete(id);
    }
  }

  #hasEnded(deploy: string): boolean {
    return this.deploys.get(deploy)?.times.doneMs !== null;
  }
}
