import { setTimeout as delay } from "node:timers/promises";

import { type Deploys, followDeploys } from "#server/deploys/follow-deploys.ts";
import type { DeploysService, Verb } from "#server/deploys/service.ts";

import { type Program, startProgram } from "../../tests/harness/program.ts";

const CONNECT_MS_MAX = 60_000;
const RETRY_MS = 100;

/** `quarterdeck role deploys` as a process that is killed now and then, and its client. */
export class DeployRole {
  readonly client: Deploys;
  kills = 0;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #program: Program;

  constructor(dataFolder: string, env: Readonly<Record<string, string>>) {
    this.#args = ["role", "deploys", "--data", dataFolder];
    this.#env = env;
    this.#program = this.#start();
    this.client = followDeploys(dataFolder, CONNECT_MS_MAX);
  }

  async kill(): Promise<void> {
    this.kills += 1;
    await this.#program.end("SIGKILL");
    this.#program = this.#start();
  }

  /** Asks again while the role is killed and started; what it is asked for must be idempotent. */
  async ask<Of extends Verb>(
    verb: Of,
    input: Parameters<DeploysService[Of]>[0],
  ): Promise<Awaited<ReturnType<DeploysService[Of]>>> {
    for (;;) {
      try {
        return await this.client.ask(verb, input);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "unavailable"))
          throw error;
        await delay(RETRY_MS);
      }
    }
  }

  /** Ends it with the tasks and the edge. */
  async stop(): Promise<void> {
    await this.#program.end("SIGKILL");
    this.#program = this.#start("--stop-tasks");
    await this.ask("workloads", {});
    await this.client.stop();
    await this.#program.end("SIGTERM");
  }

  #start(...more: string[]): Program {
    return startProgram([...this.#args, ...more], { env: this.#env });
  }
}
