import type { EcsErrorName } from "./protocol/ecs-error.ts";

type NextError = { operation: string; name: EcsErrorName; message: string; times: number };

/**
 * What tests make the endpoint do wrong. Amazon ECS answers reads from a state that may be some seconds old, throttles,
 * fails, and sometimes does what it was asked for and the answer is lost.
 */
export class Faults {
  /** Reads are answered from the state of so long ago. */
  readLagMs = 0;
  /** The share of requests that are throttled. */
  throttleRate = 0;
  /** The share of requests that are carried out, and whose connection is then closed without an answer. */
  lostAnswerRate = 0;
  readonly #random: () => number;
  #next: NextError[] = [];

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The next calls of the operation fail. */
  failNext(operation: string, name: EcsErrorName, { message = "injected", times = 1 } = {}): void {
    this.#next.push({ operation, name, message, times });
  }

  /** The error that the request must be answered with, if any. */
  errorFor(operation: string): { name: EcsErrorName; message: string } | undefined {
    const next = this.#next.find((it) => it.operation === operation);
    if (next) {
      next.times -= 1;
      this.#next = this.#next.filter(({ times }) => times > 0);
      return next;
    }
    if (this.#random() >= this.throttleRate) return undefined;
    return { name: "ThrottlingException", message: "Rate exceeded" };
  }

  losesAnswer(): boolean {
    return this.#random() < this.lostAnswerRate;
  }
}
