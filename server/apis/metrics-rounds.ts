import type { ChildProcess } from "node:child_process";

import type { MetricJson } from "#platform/http/front.ts";

import { countUp } from "./count-up.ts";

const METRICS_MS_MAX = 2_000;

type Round = { waitsFor: Set<ChildProcess>; done(): void };

/**
 * Asks all workers for their metrics. What is counted stays counted: of one that does not answer in time the last that
 * it said stands, and what one that has ended had counted is kept. Else Prometheus would take the smaller sum for a
 * start from zero, and count everything once more.
 */
export class MetricsRounds {
  readonly #rounds = new Map<number, Round>();
  readonly #last = new Map<ChildProcess, MetricJson[]>();
  #ended: MetricJson[] = [];
  #lastId = 0;

  /** `id` is that of a round; a worker that ends says its last without being asked. */
  got(child: ChildProcess, { id, metrics }: { id: number; metrics: MetricJson[] }): void {
    this.#last.set(child, metrics);
    const round = this.#rounds.get(id);
    round?.waitsFor.delete(child);
    if (round?.waitsFor.size === 0) round.done();
  }

  gone(child: ChildProcess): void {
    this.#ended = countUp(this.#ended, this.#last.get(child) ?? []);
    this.#last.delete(child);
    for (const round of this.#rounds.values()) {
      round.waitsFor.delete(child);
      if (round.waitsFor.size === 0) round.done();
    }
  }

  /** Metrics of the workers, and of those that were. */
  ask(children: readonly ChildProcess[], tell: (child: ChildProcess, id: number) => void) {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<MetricJson[][]>((resolve) => {
      const done = (): void => {
        clearTimeout(late);
        this.#rounds.delete(id);
        resolve([this.#ended, ...this.#last.values()]);
      };
      const late = setTimeout(done, METRICS_MS_MAX);
      this.#rounds.set(id, { waitsFor: new Set(children), done });
      for (const child of children) tell(child, id);
    });
  }
}
