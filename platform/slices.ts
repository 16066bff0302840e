import { setImmediate as nextTurn } from "node:timers/promises";

const SLICE_MS = 20;

/** The pause that ends last. */
let turn: Promise<void> = Promise.resolve();

/**
 * Long work in slices, between which the process does other work. Of several such works one runs a slice at a time, so that others wait
 * for a single slice, however many there are.
 */
export class Slices {
  #startMs = performance.now();

  /** Whether it is time to pause. */
  get isOver(): boolean {
    return performance.now() - this.#startMs > SLICE_MS;
  }

  /** Resolves when the next slice may begin. */
  async pause(): Promise<void> {
    turn = turn.then(() => nextTurn());
    await turn;
    this.#startMs = performance.now();
  }
}
