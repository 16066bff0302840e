import type { OneOff, OneOffDriver, OneOffView } from "../drivers.ts";
import { type MigrateDeps, readMigration, startMigration } from "./migrate.ts";
import { verify, type VerifyDeps } from "./verify.ts";
import { warmUp, type WarmUpDeps } from "./warm-up.ts";

const KEPT_MAX = 200;

export type OneOffsDeps = {
  verify: VerifyDeps;
  warmUp: WarmUpDeps;
  migrate: MigrateDeps;
  /** Tells others about the result; may be repeated with the same effect. */
  announce(work: OneOff): Promise<void>;
};

/**
 * One-off work. Migrations are tasks of the fleet, which knows them by their token. The rest may be done again without harm,
 * so it runs in this process, and a process that was started again knows nothing about it and begins it again.
 */
export class OneOffs implements OneOffDriver {
  readonly #deps: OneOffsDeps;
  readonly #own = new Map<string, OneOffView>();
  /** Why the last migration that was refused was not started. */
  #refused: { token: string; refusal: string } | undefined;

  constructor(deps: OneOffsDeps) {
    this.#deps = deps;
  }

  async read(token: string): Promise<OneOffView> {
    const view = this.#own.get(token) ?? (await readMigration(token, this.#deps.migrate));
    const isRefused = view.status === "absent" && this.#refused?.token === token;
    return isRefused ? { ...view, refusal: this.#refused?.refusal } : view;
  }

  async run(token: string, work: OneOff): Promise<void> {
    if (work.kind === "expand" || work.kind === "contract") {
      await this.#migrate(token, work);
      return;
    }
    if (this.#own.has(token)) return;
    this.#keep(token, { status: "running" });
    void this.#work(work).then((view) => this.#keep(token, view));
  }

  async #migrate(token: string, work: OneOff): Promise<void> {
    try {
      await startMigration(token, work, this.#deps.migrate);
      this.#refused = undefined;
    } catch (error) {
      this.#refused = { token, refusal: messageOf(error) };
      throw error;
    }
  }

  async #work(work: OneOff): Promise<OneOffView> {
    try {
      if (work.kind === "verify") await verify(work, this.#deps.verify);
      else if (work.kind === "warm-up") await warmUp(work, this.#deps.warmUp);
      else await this.#deps.announce(work);
      return { status: "succeeded" };
    } catch (error) {
      return { status: "failed", reason: messageOf(error) };
    }
  }

  #keep(token: string, view: OneOffView): void {
    this.#own.set(token, view);
    const [oldest] = this.#own.keys();
    if (this.#own.size > KEPT_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
