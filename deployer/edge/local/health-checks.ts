import { get } from "node:http";

/** Like `timeout check 3s` and `inter 1s fastinter 250ms rise 2 fall 2` of HAProxy. */
const INTERVAL_MS = 1_000;
const FAST_INTERVAL_MS = 250;
const CHECK_MS_MAX = 3_000;
const RISE = 2;
const FALL = 2;

export type CheckedTask = { address: string; path: string };

/** Active checks of one task from its entrance until `stop`. */
export class HealthChecks {
  isUp = false;
  /** Resolves when it is known for the first time whether the task serves. */
  readonly decided = Promise.withResolvers<void>();
  /** Is requested from the next check on. */
  path: string;
  readonly #address: string;
  readonly #onChange: () => void;
  /** Results in a row that contradict `isUp`. */
  #contrary = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor({ address, path }: CheckedTask, onChange: () => void) {
    this.path = path;
    this.#address = address;
    this.#onChange = onChange;
    this.#begin();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.decided.resolve();
  }

  /** Requests have shown that it does not serve: it has to pass its checks again. */
  fail(): void {
    if (this.#isStopped || !this.isUp) return;
    this.#contrary = 0;
    this.#set(false);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), FAST_INTERVAL_MS);
  }

  #begin(): void {
    passes({ address: this.#address, path: this.path }, (isGood) => {
      if (this.#isStopped) return;
      this.#take(isGood);
      const isSteady = this.isUp && this.#contrary === 0;
      clearTimeout(this.#timer);
      const waitMs = isSteady ? INTERVAL_MS : FAST_INTERVAL_MS;
      this.#timer = setTimeout(() => this.#begin(), waitMs);
    });
  }

  #take(isGood: boolean): void {
    this.#contrary = isGood === this.isUp ? 0 : this.#contrary + 1;
    if (this.#contrary >= (isGood ? RISE : FALL)) {
      this.#contrary = 0;
      this.#set(isGood);
    }
    if (this.isUp || !isGood) this.decided.resolve();
  }

  #set(isUp: boolean): void {
    this.isUp = isUp;
    this.#onChange();
  }
}

/** Calls back once. A new connection each time, as a new client would have one. */
function passes({ address, path }: CheckedTask, take: (isGood: boolean) => void): void {
  let isTaken = false;
  const once = (isGood: boolean): void => {
    if (isTaken) return;
    isTaken = true;
    clearTimeout(late);
    take(isGood);
  };
  const request = get(`http://${address}${path}`, { agent: false }, (response) => {
    response.on("error", () => undefined);
    response.resume();
    once(response.statusCode === 200);
    request.destroy();
  });
  request.on("error", () => once(false));
  const late = setTimeout(
    () => request.destroy(new Error("the check takes too long")),
    CHECK_MS_MAX,
  );
}
