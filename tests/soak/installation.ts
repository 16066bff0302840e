import { writeFileSync } from "node:fs";
import path from "node:path";

import {
  type ControlPlane,
  createOwner,
  signInOwner,
  startControlPlane,
} from "../harness/control-plane.ts";
import { type Program, startProgram } from "../harness/program.ts";

/** A URL, because a path in NODE_OPTIONS may not contain spaces. */
const SHIFT_CLOCK = new URL("shift-clock.ts", import.meta.url).href;

export type InstallationOptions = {
  /** The data folder. */
  data: string;
  /** The pattern of the log files. */
  logs: string;
  random(): number;
};

/** What can be done with the processes of a control plane. All of them use the same data folder and log files. */
export class Installation implements AsyncDisposable {
  readonly data: string;
  readonly #options: InstallationOptions;
  readonly #clockFile: string;
  #control: ControlPlane | undefined;
  /** Undefined while the control plane has its own indexer. */
  #indexer: Program | undefined;
  #cookie = "";
  #stderr = "";
  /** Number of starts: requests that overlap one are not answered. */
  starts = 0;

  private constructor(options: InstallationOptions) {
    this.#options = options;
    this.data = options.data;
    this.#clockFile = path.join(path.dirname(options.logs), "..", "clock-shift-ms");
  }

  static async start(options: InstallationOptions): Promise<Installation> {
    const installation = new Installation(options);
    installation.setClock(0);
    const control = await installation.#start();
    installation.#cookie = await createOwner(control);
    return installation;
  }

  /** The address of the boards; undefined while they cannot be opened. */
  get url(): string | undefined {
    return this.#control?.url;
  }

  get cookie(): string {
    return this.#cookie;
  }

  get isApart(): boolean {
    return this.#indexer !== undefined;
  }

  /** What the processes printed to standard error. */
  get stderr(): string {
    const running = [this.#control, this.#indexer].map((it) => it?.stderr() ?? "");
    return [this.#stderr, ...running].join("");
  }

  /** Processes with an indexer or boards. */
  get pids(): number[] {
    return [this.#control, this.#indexer].flatMap((it) => it?.child.pid ?? []);
  }

  async signIn(): Promise<void> {
    if (this.url !== undefined) this.#cookie = await signInOwner(this.url);
  }

  /** Kills all processes at once and starts them again: as one process, or control plane and indexer apart. */
  async killAll(): Promise<void> {
    await this.#end("SIGKILL");
    await this.#start();
  }

  async killIndexer(): Promise<void> {
    const indexer = this.#indexer;
    if (!indexer) throw new Error("the indexer is a thread of the control plane");
    await indexer.end("SIGKILL");
    this.#stderr += indexer.stderr();
    this.#indexer = undefined;
  }

  startIndexer(): void {
    const { data, logs } = this.#options;
    const args = ["role", "index", "--data", data, logs];
    this.#indexer = startProgram(args, { env: this.#env });
  }

  /** The difference between the clock of the processes and that of the log files. */
  setClock(shiftMs: number): void {
    writeFileSync(this.#clockFile, String(shiftMs));
  }

  /** Ends all processes by SIGTERM; returns their exit statuses. */
  async stop(): Promise<(number | null)[]> {
    return this.#end("SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
  }

  get #env(): Record<string, string> {
    return { NODE_OPTIONS: `--import=${SHIFT_CLOCK}`, SOAK_CLOCK_FILE: this.#clockFile };
  }

  async #start(): Promise<ControlPlane> {
    const { data, logs, random } = this.#options;
    const isApart = random() < 0.5;
    const env = this.#env;
    if (isApart) this.startIndexer();
    const args = ["--data", data, ...(isApart ? [] : [logs])];
    const command = isApart ? ["role", "control"] : ["start"];
    this.#control = await startControlPlane(args, { command, env });
    this.starts += 1;
    return this.#control;
  }

  async #end(signal: NodeJS.Signals): Promise<(number | null)[]> {
    const ending = [this.#control, this.#indexer].flatMap((it) => it ?? []);
    this.#control = undefined;
    this.#indexer = undefined;
    const statuses = await Promise.all(ending.map((program) => program.end(signal)));
    this.#stderr += ending.map((program) => program.stderr()).join("");
    return statuses;
  }
}
