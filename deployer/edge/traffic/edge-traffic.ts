import type { Colour } from "#deployer/drivers.ts";
import { type Clock, systemClock } from "#platform/clock.ts";

import { parseAccessLine } from "./access-line.ts";
import { LaneHistory, type LaneTallies, type LaneTraffic, sumTallies } from "./lane-history.ts";
import { LogTail } from "./log-tail.ts";

/** What clients got from each colour, from the access logs of all nodes. */
export class EdgeTraffic {
  readonly #tails: readonly LogTail[];
  readonly #history: LaneHistory;
  #turn: Promise<void> = Promise.resolve();

  constructor(files: readonly string[], clock: Clock = systemClock) {
    this.#tails = files.map((file) => new LogTail(file));
    this.#history = new LaneHistory(clock);
  }

  /** Counts from `fromMs` (epoch ms) until now. */
  async counts(workload: string, fromMs: number): Promise<Record<Colour, LaneTraffic>> {
    return sumTallies([await this.tallies(workload, fromMs)]);
  }

  /** The same as sums, to which those of other nodes can be added. */
  async tallies(workload: string, fromMs: number): Promise<LaneTallies> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#follow());
    await this.#turn;
    return this.#history.tallies(workload, fromMs);
  }

  async #follow(): Promise<void> {
    for (const tail of this.#tails) {
      await tail.read((line) => {
        const served = parseAccessLine(line);
        if (served !== undefined) this.#history.add(served);
      });
    }
  }
}
