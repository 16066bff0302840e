import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { ServiceName } from "#api/kit/service.ts";
import { AppError } from "#platform/errors.ts";

import type { Door } from "./door.ts";
import { wholeLines } from "./lines.ts";
import { MetricsRounds } from "./metrics-rounds.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
const STOP_MS_MAX = 20_000;
const RESTART_MS = { first: 100, most: 10_000 };
/** A worker is asked so often whether it is there; one that owes so many answers hangs, and is ended. */
const ASK_MS = 5_000;
const SILENCES_MAX = 4;
/** One that lived so long did not die of its start. */
const STEADY_MS = 10_000;

export type WorkersOptions = {
  service: ServiceName;
  count: number;
  /** The whole environment of the workers. */
  env: NodeJS.ProcessEnv;
  /** Takes whole lines of their logs; "directly": the workers write to the stdout of this process themselves. */
  writeLines: ((lines: string) => void) | "directly";
  /** Whether the first worker is tried again when it cannot start. */
  keepTrying: boolean;
  /** Takes what a person should know. */
  say(line: string): void;
};

/** The worker processes of one service behind one port; one that dies is replaced. */
export type Workers = {
  /** Resolves when a worker serves; rejects with the reason when the first one cannot, unless it is tried on. */
  up: Promise<void>;
  /** Replaces every worker by a new one, one after the other, without a failed request. */
  restart(env?: NodeJS.ProcessEnv): Promise<void>;
  /** Lets the workers finish what is in flight, and ends them. */
  stop(): Promise<void>;
};

/** The workers serve what comes through the door, which is shut for new connections before they are stopped. */
export function startWorkers(door: Door, options: WorkersOptions): Workers {
  const pool = new Pool(options, door);
  const up = pool.start();
  // Whoever waits for it hears of it; that nobody does is no crash.
  up.catch(() => undefined);
  return {
    up,
    restart: (env) => pool.restart(env),
    async stop() {
      door.close();
      await pool.stop();
    },
  };
}

type Worker = {
  child: ChildProcess;
  ready: Promise<void>;
  startedMs: number;
  stopping: boolean;
  /** How often it was asked since it last said anything; undefined until it serves. */
  silences: number | undefined;
};

class Pool {
  readonly #options: WorkersOptions;
  readonly #door: Door;
  readonly #workers = new Set<Worker>();
  readonly #metrics = new MetricsRounds();
  readonly #stopping = new AbortController();
  #env: NodeJS.ProcessEnv;
  #restarting: Promise<void> = Promise.resolve();
  #served = false;
  #deathsInARow = 0;
  #asking: NodeJS.Timeout | undefined;

  constructor(options: WorkersOptions, door: Door) {
    this.#options = options;
    this.#door = door;
    this.#env = options.env;
  }

  /** The first alone, so that a mistake is said once; then the others. */
  async start(): Promise<void> {
    for (let tries = 1; !this.#served; tries += 1) {
      try {
        await this.#fork().ready;
        this.#served = true;
      } catch (error) {
        if (!this.#options.keepTrying || this.#stopping.signal.aborted) throw error;
        if (tries === 1) this.#options.say(messageOf(error));
        await this.#pause(tries);
        if (this.#stopping.signal.aborted) throw error;
      }
    }
    // It may have been stopped while it started.
    if (this.#stopping.signal.aborted) return;
    for (let more = 1; more < this.#options.count; more += 1) this.#fork();
    this.#asking = setInterval(() => this.#endTheSilent(), ASK_MS);
  }

  /** Counted in questions: while this process itself stands still, nobody is asked. */
  #endTheSilent(): void {
    for (const worker of this.#workers) {
      const { child, silences } = worker;
      if (silences === undefined) continue;
      if (silences >= SILENCES_MAX) {
        this.#options.say(
          `A worker of ${this.#options.service} (process ${child.pid}) does not answer any more and is ended.`,
        );
        child.kill("SIGKILL");
        continue;
      }
      worker.silences = silences + 1;
      tell(child, { type: "are_you_there" });
    }
  }

  /** One after the other, also when it is asked for twice. */
  restart(env?: NodeJS.ProcessEnv): Promise<void> {
    this.#env = env ?? this.#env;
    const after = this.#restarting.then(() => this.#replaceAll());
    this.#restarting = after.catch(() => undefined);
    return after;
  }

  async #replaceAll(): Promise<void> {
    const before = [...this.#workers];
    for (const old of before) {
      if (this.#stopping.signal.aborted) return;
      await this.#fork().ready;
      await stopWorker(old, this.#door);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#asking);
    await Promise.all([...this.#workers].map((worker) => stopWorker(worker, this.#door)));
  }

  #fork(): Worker {
    const { service, writeLines } = this.#options;
    const cache = getCompileCacheDir();
    const child = fork(WORKER, [JSON.stringify({ service, url: this.#door.url })], {
      env: { ...this.#env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
      stdio: ["ignore", writeLines === "directly" ? "inherit" : "pipe", "inherit", "ipc"],
      execArgv: [],
    });
    if (child.stdout && writeLines !== "directly") wholeLines(child.stdout, writeLines);
    const worker: Worker = {
      child,
      startedMs: performance.now(),
      stopping: false,
      ready: this.#becomesReady(child),
      silences: undefined,
    };
    worker.ready.then(
      () => (worker.silences = 0),
      () => undefined,
    );
    child.on("message", () => {
      if (worker.silences !== undefined) worker.silences = 0;
    });
    this.#workers.add(worker);
    child.once("exit", () => void this.#ended(worker));
    // Not before all that it said was heard.
    child.once("close", () => this.#metrics.gone(child));
    child.on("error", () => undefined);
    return worker;
  }

  #becomesReady(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let reason = `The ${this.#options.service} API ended before it could serve: its log says why.`;
      child.on("message", (message: FromWorker) => {
        if (message.type === "failed") reason = message.message;
        if (message.type === "ready") {
          this.#door.open(child);
          resolve();
        }
        this.#heard(child, message);
      });
      child.once("exit", () => reject(new AppError("unavailable", reason)));
    });
  }

  #heard(child: ChildProcess, message: FromWorker): void {
    if (message.type === "taken") this.#door.taken(child, message.id);
    if (message.type === "refused") this.#door.refused(child, message.id);
    if (message.type === "leaving") this.#door.shut(child);
    if (message.type === "metrics") this.#metrics.got(child, message);
    const connected = [...this.#workers].map((it) => it.child).filter((it) => it.connected);
    if (message.type === "wrote") {
      for (const other of connected) if (other !== child) tell(other, message);
    }
    if (message.type !== "want_all_metrics") return;
    void this.#answerMetrics(child, { id: message.id, connected });
  }

  async #answerMetrics(
    child: ChildProcess,
    { id, connected }: { id: number; connected: readonly ChildProcess[] },
  ): Promise<void> {
    const all = await this.#metrics.ask(connected, (asked, round) =>
      tell(asked, { type: "say_metrics", id: round }),
    );
    tell(child, { type: "all_metrics", id, all });
  }

  async #ended(worker: Worker): Promise<void> {
    this.#door.gone(worker.child);
    this.#workers.delete(worker);
    if (!this.#served || worker.stopping || this.#stopping.signal.aborted) return;
    const { exitCode, signalCode, pid } = worker.child;
    const livedMs = performance.now() - worker.startedMs;
    this.#deathsInARow = livedMs > STEADY_MS ? 1 : this.#deathsInARow + 1;
    this.#options.say(
      `A worker of ${this.#options.service} (process ${pid}) ended with ${signalCode ?? exitCode}: another one takes its place.`,
    );
    await this.#pause(this.#deathsInARow - 1);
    // One that was to replace another may have died: then that one is still there.
    const enough = this.#workers.size >= this.#options.count;
    if (!enough && !this.#stopping.signal.aborted) this.#fork();
  }

  /** Longer each time; the first time not at all. */
  async #pause(times: number): Promise<void> {
    if (times === 0) return;
    const ms = Math.min(RESTART_MS.most, RESTART_MS.first * 2 ** Math.min(times, 20));
    await delay(ms, undefined, this.#stopping).catch(() => undefined);
  }
}

async function stopWorker(worker: Worker, door: Door): Promise<void> {
  worker.stopping = true;
  const { child } = worker;
  door.shut(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  // One that does not serve yet has nothing to finish.
  if (worker.silences === undefined) child.kill("SIGKILL");
  else tell(child, { type: "stop" });
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(late);
}

/** A worker that is gone hears nothing, which is as it should be. */
function tell(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
