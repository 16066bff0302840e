import { setTimeout as delay } from "node:timers/promises";

import { type Deploys, followDeploys } from "#server/deploys/follow-deploys.ts";
import type { DeploysService, Verb } from "#server/deploys/service.ts";

import { type Program, startProgram } from "../../tests/harness/program.ts";

const CONNECT_MS_MAX = 60_000;
const RETRY_MS = 100;
const OUTPUT_CHARS_SHOWN = 2_000;

type Answer<Of extends Verb> = Awaited<ReturnType<DeploysService[Of]>>;
type Options = {
  dataFolder: string;
  env: Readonly<Record<string, string>>;
  /** When it is aborted, nothing is waited for any longer. */
  signal: AbortSignal;
};

/** `quarterdeck role deploys` as a process that is killed now and then, and its client. */
export class DeployRole {
  readonly client: Deploys;
  kills = 0;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #aborted: Promise<never>;
  #program: Program;

  constructor({ dataFolder, env, signal }: Options) {
    this.#args = ["role", "deploys", "--data", dataFolder];
    this.#env = env;
    this.#aborted = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    this.#aborted.catch(() => undefined);
    this.#program = this.#start();
    this.client = followDeploys(dataFolder, CONNECT_MS_MAX);
  }

  async kill(): Promise<void> {
    this.kills += 1;
    await this.#program.end("SIGKILL");
    this.#program = this.#start();
  }

  /**
   * Asks again while the role is killed and started; what it is asked for must be idempotent.
   * @throws Error if the role has ended by itself
   */
  ask<Of extends Verb>(verb: Of, input: Parameters<DeploysService[Of]>[0]): Promise<Answer<Of>> {
    return Promise.race([this.#aborted, this.#ask(verb, input)]);
  }

  async #ask<Of extends Verb>(
    verb: Of,
    input: Parameters<DeploysService[Of]>[0],
  ): Promise<Answer<Of>> {
    for (;;) {
      try {
        return await this.client.ask(verb, input);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "unavailable"))
          throw error;
        const { child, output } = this.#program;
        if (child.exitCode !== null) {
          const end = output().slice(-OUTPUT_CHARS_SHOWN);
          throw new Error(`the role ended with ${child.exitCode}: ${end}`, { cause: error });
        }
        await delay(RETRY_MS);
      }
    }
  }

  /** Ends it with the tasks and the edge. */
  async stop(): Promise<void> {
    await this.#program.end("SIGKILL");
    this.#program = this.#start("--stop-tasks");
    await this.#ask("workloads", {});
    await this.client.stop();
    await this.#program.end("SIGTERM");
  }

  #start(...more: string[]): Program {
    return startProgram([...this.#args, ...more], { env: this.#env });
  }
}
