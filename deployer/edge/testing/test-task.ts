import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";

const MODULE = fileURLToPath(new URL("task-process.ts", import.meta.url));

/**
 * How a task misbehaves: its health check fails or hangs; or it closes the connection of each request without an
 * answer, or after it without having said so; or never answers, while its health check passes.
 */
export type Mode = "good" | "unhealthy" | "health-hangs" | "breaks" | "hangs-up" | "hangs";

export type ToTask = { mode: Mode } | { release: true };
export type FromTask = { port: number } | { done: true } | { closed: string; complete: boolean };

/** A real process that answers requests, and can be told to misbehave. */
export class TestTask {
  readonly name: string;
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #events = new EventEmitter();
  /** Paths of requests whose client went away before the end of the response. */
  readonly aborted: string[] = [];

  private constructor(name: string, address: string, child: ChildProcess) {
    this.name = name;
    this.address = address;
    this.#child = child;
    child.on("message", (message: FromTask) => {
      if ("done" in message) this.#events.emit("done");
      if ("closed" in message && !message.complete) this.aborted.push(message.closed);
    });
  }

  /** @param ledger the file in which it notes each request */
  static async start(name: string, release: string, ledger: string): Promise<TestTask> {
    const child = fork(MODULE, [name, release, ledger], { execArgv: [] });
    const [message] = await once(child, "message");
    if (typeof message?.port !== "number") throw new Error("the task has no port");
    return new TestTask(name, `127.0.0.1:${message.port}`, child);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  set(mode: Mode): Promise<void> {
    return this.#tell({ mode });
  }

  /** Lets it go on with the requests that it holds. */
  release(): Promise<void> {
    return this.#tell({ release: true });
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  async #tell(message: ToTask): Promise<void> {
    const done = once(this.#events, "done");
    this.#child.send(message);
    await done;
  }
}
