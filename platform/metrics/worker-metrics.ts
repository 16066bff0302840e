import type { MetricJson } from "./metric-json.ts";
import { sumCounters } from "./monotonic-counters.ts";

const WAIT_MS_MAX = 2_000;

type Collection = { missing: Set<object>; finish(): void };

/**
 * Collects the metrics of all workers. Counters must never decrease, or Prometheus would interpret the smaller value as
 * a restart and count everything again. So for a worker that does not respond in time its last response is used, and the
 * counters of workers that have exited are kept.
 */
export class WorkerMetrics<Worker extends object> {
  readonly #collections = new Map<number, Collection>();
  readonly #last = new Map<Worker, MetricJson[]>();
  #ofExited: MetricJson[] = [];
  #lastId = 0;

  /** `id` of the collection; a worker that exits sends its final metrics without a request (0). */
  received(worker: Worker, { id, metrics }: { id: number; metrics: MetricJson[] }): void {
    this.#last.set(worker, metrics);
    const collection = this.#collections.get(id);
    if (collection) finishWithout(worker, collection);
  }

  exited(worker: Worker): void {
    this.#ofExited = sumCounters(this.#ofExited, this.#last.get(worker) ?? []);
    this.#last.delete(worker);
    for (const collection of this.#collections.values()) finishWithout(worker, collection);
  }

  /** One list for each worker, and one for those that have exited. */
  collect(
    workers: readonly Worker[],
    request: (worker: Worker, id: number) => void,
  ): Promise<MetricJson[][]> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#collections.delete(id);
        resolve([this.#ofExited, ...this.#last.values()]);
      };
      const timer = setTimeout(finish, WAIT_MS_MAX);
      this.#collections.set(id, { missing: new Set(workers), finish });
      for (const worker of workers) request(worker, id);
    });
  }
}

function finishWithout(worker: object, { missing, finish }: Collection): void {
  missing.delete(worker);
  if (missing.size === 0) finish();
}
