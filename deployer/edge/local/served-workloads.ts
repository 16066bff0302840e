import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { EdgeConfig } from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import { type ClosedPort, whyNotFree } from "../closed-port.ts";
import type { AccessLines } from "./access-lines.ts";
import { Front } from "./front.ts";
import { type NodeSettings, WorkloadSettings } from "./node-settings.ts";
import { RunningWorkload } from "./running-workload.ts";
import { EdgeConfigSchema } from "./saved-config.ts";
import { SavedFile } from "./saved-file.ts";

/** How long clients wait at most for the first checks of a workload. */
const DECIDE_MS_MAX = 2_000;
/** How often ports that another program has are tried again. */
const RETRY_MS = 1_000;
/** After it, what is open at a port that is not served any more is cut. */
const LEAVE_MS_MAX = 60_000;

const List = z.array(WorkloadSettings);

export type Served = {
  readonly settings: WorkloadSettings;
  readonly running: RunningWorkload;
  readonly saved: SavedFile<EdgeConfig>;
  /** Undefined until its port is open, and why it is not, if another program has it. */
  front: Front | undefined;
  closed: ClosedPort | undefined;
};

/** The workloads of a node. Their list changes while it runs, and the requests of those that stay do not notice. */
export class ServedWorkloads {
  readonly #node: NodeSettings;
  readonly #lines: AccessLines;
  readonly #list: SavedFile<WorkloadSettings[]>;
  readonly #retries: NodeJS.Timeout;
  #served: ReadonlyMap<string, Served>;
  #turn: Promise<unknown> = Promise.resolve();

  /** Those that the node saved last, else those of its settings. @throws Error that names a damaged file */
  constructor(node: NodeSettings, lines: AccessLines) {
    this.#node = node;
    this.#lines = lines;
    this.#list = new SavedFile(path.join(this.#folder, "..", `${node.id}.json`), List);
    const list = this.#list.read() ?? node.workloads;
    this.#served = new Map(list.map((it) => [it.name, this.#open(it)]));
    this.#retries = setInterval(() => void this.#openClosed(), RETRY_MS).unref();
  }

  find(name: string): Served | undefined {
    return this.#served.get(name);
  }

  /** Ports that another program has. They are tried again. */
  get closed(): ClosedPort[] {
    return [...this.#served.values()].flatMap(({ closed }) => closed ?? []);
  }

  /** Opens the ports that are free, when the tasks are checked. */
  listen(): Promise<void> {
    return this.#inTurn(async () => {
      const all = [...this.#served.values()];
      await decided(all);
      for (const it of all) await this.#listen(it);
    });
  }

  /**
   * Changes the list. New ports are opened first, then it is saved, and then ports that are not needed any more are closed, each
   * connection with its next response. A port that another program has is opened as soon as it is free.
   * @throws Error if the list is invalid or cannot be saved; then nothing has changed
   */
  serve(list: unknown): Promise<void> {
    return this.#inTurn(() => this.#serve(list));
  }

  async #serve(list: unknown): Promise<void> {
    const wanted = List.parse(list);
    this.#check(wanted);
    const before = [...this.#served.values()];
    const next = wanted.map((settings) => this.#next(settings));
    const added = next.filter(({ settings }) => !this.#served.has(settings.name));
    await decided(added);
    try {
      const own = new Set(before.map(({ settings }) => settings.port));
      const free = next.filter(({ front, settings }) => !front && !own.has(settings.port));
      for (const it of free) await this.#listen(it);
      await this.#list.write(wanted);
    } catch (error) {
      const kept = new Set(before.map(({ front }) => front));
      for (const { front } of next) if (front && !kept.has(front)) void front.stop(0);
      for (const { running } of added) running.stop();
      throw error;
    }
    this.#served = new Map(next.map((it) => [it.settings.name, it]));
    for (const it of before) this.#leave(it);
    for (const { settings, running } of next) running.checkAt(settings.checkPath);
    // The ports of these were those of others until now.
    for (const it of next) if (it.front === undefined) await this.#listen(it);
  }

  /** Accepts nothing new, and cuts what is still open after this time. */
  async stop(msMax: number): Promise<void> {
    clearInterval(this.#retries);
    await this.#turn;
    const all = [...this.#served.values()];
    await Promise.all(all.map(async ({ front }) => front?.stop(msMax)));
    for (const { running } of all) running.stop();
  }

  get #folder(): string {
    return path.join(this.#node.dataFolder, "edge", this.#node.id);
  }

  #open(settings: WorkloadSettings): Served {
    const { name } = settings;
    const saved = new SavedFile(path.join(this.#folder, `${name}.json`), EdgeConfigSchema);
    const running = new RunningWorkload(settings, this.#node);
    const config = saved.read();
    const why = config && running.refusal(config);
    if (why !== undefined) throw new Error(`the saved configuration of ${name}: ${why}`);
    if (config !== undefined) running.change(config);
    return { settings, running, saved, front: undefined, closed: undefined };
  }

  /** What runs already goes on, at another port if that has changed. */
  #next(settings: WorkloadSettings): Served {
    const before = this.#served.get(settings.name);
    if (before === undefined) return this.#open(settings);
    const isSame = before.settings.port === settings.port;
    if (isSame) return { ...before, settings };
    return { ...before, settings, front: undefined, closed: undefined };
  }

  #check(wanted: readonly WorkloadSettings[]): void {
    const ports = wanted.map(({ port }) => port);
    const twice = ports.find((port, at) => ports.indexOf(port) !== at);
    if (twice !== undefined) throw new Error(`two workloads have the port ${twice}`);
  }

  async #listen(it: Served): Promise<void> {
    const { name: workload, port } = it.settings;
    const front = new Front(it.running, this.#node, this.#lines);
    try {
      await front.listen(port);
      it.front = front;
      it.closed = undefined;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Undefined if it was free again just now.
      const why = (await whyNotFree({ host: this.#node.host, port })) ?? "was in use";
      it.closed = { workload, port, why };
    }
  }

  #openClosed(): Promise<void> {
    return this.#inTurn(async () => {
      for (const it of this.#served.values()) if (it.closed) await this.#listen(it);
    });
  }

  /** One change at a time. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Closes its port unless it is still served there. The workload itself ends with its last request. */
  #leave({ settings, running, saved, front }: Served): void {
    const now = this.#served.get(settings.name);
    // Its tasks may have gone, and others have their addresses, when it is served again.
    if (now === undefined) saved.forget();
    if (front !== undefined && now?.front === front) return;
    const closing = front?.stop(LEAVE_MS_MAX) ?? Promise.resolve();
    void closing.then(() => {
      if (now === undefined) running.stop();
      return undefined;
    });
  }
}

async function decided(all: readonly Served[]): Promise<void> {
  const decisions = Promise.all(all.map(({ running }) => running.decided()));
  await Promise.race([decisions, delay(DECIDE_MS_MAX, undefined, { ref: false })]);
}
