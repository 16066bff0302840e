import type { Colour, Slot, SlotView } from "#deployer/drivers.ts";

import { HealthChecks } from "./health-checks.ts";
import { Target } from "./target.ts";

/** Broken connections in a row after which a task counts as down until it has passed its checks again. */
const FAILURES_MAX = 3;

export type SlotPlace = { colour: Colour; index: number; checkPath: string; responseMs: number };

/** A slot as the node runs it. */
export class RunningSlot {
  readonly colour: Colour;
  /** `green/1` */
  readonly label: string;
  /** Whether it gets new requests: `ready`, and its task is up. */
  serves = false;
  target: Target | undefined;
  readonly #place: SlotPlace;
  #checkPath: string;
  #state: Slot["state"] = "maint";
  #checks: HealthChecks | undefined;
  #failures = 0;

  constructor(place: SlotPlace) {
    this.#place = place;
    this.#checkPath = place.checkPath;
    this.colour = place.colour;
    this.label = `${place.colour}/${place.index}`;
  }

  get view(): SlotView {
    return {
      address: this.target?.address ?? null,
      state: this.#state,
      up: this.#checks?.isUp ?? false,
      sessions: this.target?.sessions.size ?? 0,
    };
  }

  /** Whether it may get requests if no slot serves. */
  get isAdmitted(): boolean {
    return this.#state === "ready";
  }

  get isDraining(): boolean {
    return this.#state === "drain";
  }

  /** Resolves when it is known whether it serves. */
  get decided(): Promise<void> {
    return this.#checks?.decided.promise ?? Promise.resolve();
  }

  /** Why the slot cannot become this, or undefined. */
  refusal({ address, state }: Slot): string | undefined {
    const current = this.target?.address ?? null;
    if (address !== current && this.#state !== "maint") {
      return `${this.label} has ${current} and is not in maint, so it cannot get ${address}`;
    }
    if (address === null && state !== "maint") return `${this.label} has no address`;
    return undefined;
  }

  change({ address, state }: Slot): void {
    // Only a slot in maint gets another address, so its checks begin anew with it.
    this.#move(address);
    const isEntering = state !== "maint" && this.#state === "maint";
    this.#state = state;
    if (state === "maint") {
      this.#checks?.stop();
      this.#checks = undefined;
    } else if (isEntering && address !== null) this.#check(address);
    this.#update();
  }

  checkAt(path: string): void {
    this.#checkPath = path;
    if (this.#checks) this.#checks.path = path;
  }

  stop(): void {
    this.#checks?.stop();
    this.target?.retire();
  }

  /** A request was answered. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** A connection could not be made, or broke before an answer. */
  failed(): void {
    this.#failures += 1;
    if (this.#failures < FAILURES_MAX) return;
    this.#failures = 0;
    this.#checks?.fail();
  }

  #move(address: string | null): void {
    if (address === (this.target?.address ?? null)) return;
    this.target?.retire();
    const { responseMs } = this.#place;
    this.target = address === null ? undefined : new Target(address, responseMs);
  }

  #check(address: string): void {
    this.#failures = 0;
    this.#checks = new HealthChecks({ address, path: this.#checkPath }, () => this.#update());
  }

  #update(): void {
    this.serves = this.#state === "ready" && this.#checks?.isUp === true;
  }
}
