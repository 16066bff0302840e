import { spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { errorCode } from "#platform/errors.ts";

import type { ProcessState } from "../scheduler/world.ts";
import { bootOf, PROC, startOf } from "./process-start.ts";
import { parseExit, parseStarted, type Started, WATCHER } from "./watcher.ts";

const LOG = "output.log";
/** Written instead of nothing into the claim of a process that must not be started. */
const PREVENTED = "prevented";
/** A watcher that was claimed but wrote nothing has been killed; it needs milliseconds. */
const START_MS_MAX = 20_000;

export type Program = {
  command: readonly string[];
  directory: string;
  environment: NodeJS.ProcessEnv;
};

/**
 * The process of one container, in a folder of its own. The folder has everything that is known about it, so another
 * endpoint can go on with it.
 */
export class ContainerProcess {
  readonly logFile: string;
  readonly #folder: string;
  #failure: string | undefined;
  #claimSeenMs: number | undefined;
  #exit: ProcessState | undefined;
  #started: Started | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.logFile = path.join(folder, LOG);
  }

  /** Starts it in the background, unless it was started or prevented before. Reports each change of its state. */
  start(program: Program, onChange: () => void): void {
    const [file = "", ...rest] = program.command;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      checkProgram(file, program);
      const log = openSync(this.logFile, "a", 0o600);
      const args = ["-c", WATCHER, "sh", bootOf(), PROC, program.directory, file, ...rest];
      const watcher = spawn("/bin/sh", args, {
        cwd: this.#folder,
        env: program.environment,
        stdio: ["ignore", log, log],
        // A session of its own: signals to the endpoint's group do not reach it.
        detached: true,
      });
      closeSync(log);
      watcher.on("error", (error) => this.#fail(error, onChange));
      watcher.on("exit", onChange);
      watcher.unref();
    } catch (error) {
      this.#fail(error, onChange);
    }
  }

  #fail(error: unknown, onChange: () => void): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure = `CannotStartContainerError: ${why}`;
    onChange();
  }

  /** Makes sure that it is never started. */
  prevent(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#create("claim", PREVENTED);
  }

  /** What can be seen of it. `nowMs` is of any monotonic clock. */
  state(nowMs: number): ProcessState {
    if (this.#exit) return this.#exit;
    if (this.#failure !== undefined) return { kind: "failed", reason: this.#failure };
    const state = this.#look(nowMs);
    if (state.kind === "exited") this.#exit = state;
    return state;
  }

  #look(nowMs: number): ProcessState {
    const started = this.#readStarted();
    if (!started) return this.#unstarted(nowMs);
    const exit = parseExit(readIfExists(this.#file("exit")) ?? "");
    if (exit !== undefined) return { kind: "exited", exitCode: exit };
    if (started.boot !== bootOf()) return { kind: "exited", exitCode: undefined };
    if (isRunning(started.process)) return { kind: "running" };
    // The watcher writes the exit code in a moment, unless it was killed too.
    if (isRunning(started.watcher)) return { kind: "running" };
    const late = parseExit(readIfExists(this.#file("exit")) ?? "");
    return { kind: "exited", exitCode: late };
  }

  #unstarted(nowMs: number): ProcessState {
    const claim = readIfExists(this.#file("claim"));
    if (claim === undefined) return { kind: "none" };
    if (claim === PREVENTED) return { kind: "failed", reason: "It was stopped before it started." };
    this.#claimSeenMs ??= nowMs;
    if (nowMs < this.#claimSeenMs + START_MS_MAX) return { kind: "starting" };
    return { kind: "failed", reason: "CannotStartContainerError: its watcher was killed." };
  }

  /**
   * Sends a signal to the process, as Docker does: not to its children. SIGTERM is sent once, by whichever endpoint: programs
   * take a second one for a request to stop at once. One that was killed before it could send it has only delayed the end.
   */
  signal(signal: "SIGTERM" | "SIGKILL"): void {
    const started = this.#readStarted();
    if (started?.boot !== bootOf() || !isRunning(started.process)) return;
    if (signal === "SIGTERM" && !this.#create("terminated", "")) return;
    try {
      process.kill(started.process.pid, signal);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
    }
  }

  #readStarted(): Started | undefined {
    this.#started ??= parseStarted(readIfExists(this.#file("started")) ?? "");
    return this.#started;
  }

  /** False if the file is there already. */
  #create(name: string, content: string): boolean {
    try {
      writeFileSync(this.#file(name), content, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      return false;
    }
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}

const isRunning = ({ pid, start }: { pid: number; start: string }): boolean =>
  startOf(pid) === start;

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The messages are those of Docker. @throws Error */
function checkProgram(file: string, { directory, environment }: Program): void {
  if (file === "") throw new Error("no command specified");
  if (!existsSync(directory)) throw new Error(`the working directory ${directory} does not exist`);
  const places = file.includes("/")
    ? [path.resolve(directory, file)]
    : (environment["PATH"] ?? "").split(":").map((folder) => path.join(folder, file));
  if (!places.some(isExecutable)) {
    throw new Error(`exec: "${file}": executable file not found in $PATH`);
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
