import type { Timer } from "../engine/timer.ts";

type Event = { atMs: number; order: number; work: () => void; isCancelled: boolean };

/** Time that passes only from one event to the next, so that minutes take milliseconds and every run repeats. */
export class VirtualTime implements Timer {
  #nowMs: number;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  later(ms: number, work: () => void): () => void {
    this.#order += 1;
    const event = { atMs: this.#nowMs + ms, order: this.#order, work, isCancelled: false };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Runs events until the time is over or `isDone`. Promises are settled between two events. */
  async run(untilMs: number, isDone: () => boolean): Promise<void> {
    await settled();
    while (!isDone()) {
      const [event] = this.#heap;
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = untilMs;
        return;
      }
      this.#pop();
      if (event.isCancelled) continue;
      this.#nowMs = event.atMs;
      event.work();
      await settled();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      let below = heap[child];
      if (below === undefined) break;
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Resolves when no promise has anything left to do. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
