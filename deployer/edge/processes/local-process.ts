import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { bootOf, PROC, startOf } from "#deployer/ecs-local/processes/process-start.ts";
import { START_OF } from "#deployer/ecs-local/processes/watcher.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

const POLL_MS = 20;
const STOP_MS_MAX = 5_000;
const SHOWN_LINES = 12;

/**
 * Writes which process it is, and becomes the program: there is no moment in which the program runs unrecorded.
 * Arguments: the boot, the folder of proc(5), the record, and the program with its arguments.
 */
const STARTER = `
boot=$1 proc=$2 record=$3
shift 3
${START_OF}
own=$(start_of $$)
printf '%s %s %s end\\n' "$boot" $$ "$own" > "$record"
exec "$@"
`;

export type LocalProgram = {
  /** A folder of its own, with its output. */
  folder: string;
  name: string;
  command: readonly string[];
};

/**
 * A server that goes on when the process that has started it ends. The next one finds it again by pid, time of its start and boot
 * of the machine.
 */
export class LocalProcess {
  readonly #program: LocalProgram;

  constructor(program: LocalProgram) {
    this.#program = program;
    mkdirSync(program.folder, { recursive: true, mode: 0o700 });
  }

  /** Its standard output. */
  get outputFile(): string {
    return path.join(this.#program.folder, `${this.#program.name}.out`);
  }

  /** Its standard error. */
  get logFile(): string {
    return path.join(this.#program.folder, `${this.#program.name}.log`);
  }

  /** Undefined if it does not run. */
  get pid(): number | undefined {
    const [boot, pid, start, end] = this.#readRecord().trim().split(" ");
    const isRunning =
      end === "end" && boot === bootOf() && startOf(Number(pid)) === start && start !== undefined;
    return isRunning ? Number(pid) : undefined;
  }

  /** Does nothing if it runs already. Resolves when its process is there, which may not serve yet. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    const { folder, command } = this.#program;
    rmSync(this.#recordFile, { force: true });
    const output = openSync(this.outputFile, "a", 0o600);
    const log = openSync(this.logFile, "a", 0o600);
    const args = ["-c", STARTER, "sh", bootOf(), PROC, this.#recordFile, ...command];
    const child = spawn("/bin/sh", args, {
      cwd: folder,
      env: processEnvironment(process.env),
      stdio: ["ignore", output, log],
      // A session of its own: signals to the group of this process do not reach it.
      detached: true,
    });
    closeSync(output);
    closeSync(log);
    let failure: string | undefined;
    child.on("error", (error) => {
      failure = error.message;
    });
    child.on("exit", () => {
      failure ??= "it ended at once";
    });
    child.unref();
    while (this.pid === undefined) {
      if (failure !== undefined) throw this.failed(failure);
      await delay(POLL_MS);
    }
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
    }
  }

  /** By SIGTERM, and by SIGKILL if that takes too long. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    for (let waitedMs = 0; this.pid !== undefined; waitedMs += POLL_MS) {
      if (waitedMs >= STOP_MS_MAX) this.signal("SIGKILL");
      await delay(POLL_MS);
    }
  }

  /** An error with what it wrote last. */
  failed(why: string): AppError {
    const lines = (readIfExists(this.logFile) ?? "").trimEnd().split("\n").slice(-SHOWN_LINES);
    const { name } = this.#program;
    return new AppError("unavailable", `${name} did not start: ${why}\n${lines.join("\n")}`);
  }

  get #recordFile(): string {
    return path.join(this.#program.folder, `${this.#program.name}.process`);
  }

  #readRecord(): string {
    return readIfExists(this.#recordFile) ?? "";
  }
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
