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

  constructor(deps: OneOffsDeps) {
    this.#deps = deps;
  }

  async read(token: string): Promise<OneOffView> {
    return this.#own.get(token) ?? readMigration(token, this.#deps.migrate);
  }

  async run(token: string, work: OneOff): Promise<void> {
    if (work.kind === "expand" || work.kind === "contract") {
      await startMigration(token, work, this.#deps.migrate);
      return;
    }
    if (this.#own.has(token)) return;
    this.#keep(token, { status: "running" });
    void this.#work(work).then((view) => this.#keep(token, view));
  }

  async #work(work: OneOff): Promise<OneOffView> {
    try {
      if (work.kind === "verify") await verify(work, this.#deps.verify);
      else if (work.kind === "warm-up") await warmUp(work, this.#deps.warmUp);
      else await this.#deps.announce(work);
      return { status: "succeeded" };
    } catch (error) {
      return { status: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #keep(token: string, view: OneOffView): void {
    this.#own.set(token, view);
    const [oldest] = this.#own.keys();
    if (this.#own.size > KEPT_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}
