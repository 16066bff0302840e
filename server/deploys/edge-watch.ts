import { setTimeout as delay } from "node:timers/promises";

import { SERVICE_NAMES } from "#api/kit/service.ts";
import type { Log } from "#platform/log.ts";

import type { ClosedEdgePort, Edge } from "./edge-port.ts";

const LOOK_EVERY_MS = 1_000;
const IS_API: ReadonlySet<string> = new Set(SERVICE_NAMES);

export type EdgeWatchDeps = {
  edge: Pick<Edge, "isStarted" | "closedPorts">;
  /** Starts the edge unless it runs already. */
  start(): Promise<void>;
  log: Log;
};

/**
 * Why clients cannot reach a workload: the edge does not start, or another program has its port. It starts the edge again and again
 * until it runs, and what it found is shown beside the addresses.
 */
export class EdgeWatch implements AsyncDisposable {
  readonly #deps: EdgeWatchDeps;
  readonly #stopping = new AbortController();
  #closed: readonly ClosedEdgePort[] = [];
  #startProblem: string | undefined;
  #looking: Promise<void>;

  constructor(deps: EdgeWatchDeps) {
    this.#deps = deps;
    this.#looking = this.#lookAgain();
  }

  /** Starts the edge now, and later again if that fails. @throws AppError or Error with the reason */
  async start(): Promise<void> {
    try {
      await this.#deps.start();
      this.#startProblem = undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.#startProblem) {
        this.#deps.log.error("the edge cannot be started, which is tried again", { message });
      }
      this.#startProblem = message;
      throw error;
    }
  }

  /** What keeps clients away from a workload, and what to do. */
  problemsOf(workload: string): string[] {
    return this.#problems((it) => it.workload === workload);
  }

  /** What is wrong with a node. */
  notesOf(node: string): string[] {
    return this.#problems((it) => it.node === node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
  }

  #problems(isMeant: (closed: ClosedEdgePort) => boolean): string[] {
    if (this.#startProblem !== undefined) {
      return [`The edge cannot be started, which is tried again. ${this.#startProblem}`];
    }
    return this.#closed.filter(isMeant).map(closedText);
  }

  async #lookAgain(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.#startProblem !== undefined) await this.start().catch(() => undefined);
      if (this.#deps.edge.isStarted()) await this.#look();
    }
  }

  /** A node that cannot be reached is known by its state. */
  async #look(): Promise<void> {
    const before = new Set(this.#closed.map(closedText));
    this.#closed = await this.#deps.edge.closedPorts().catch(() => []);
    const now = this.#closed.map(closedText);
    for (const message of now.filter((it) => !before.has(it))) {
      this.#deps.log.error("a port of the edge is in use", { message });
    }
    if (before.size > 0 && now.length === 0) this.#deps.log.info("all ports of the edge are open");
  }
}

function closedText({ node, workload, port, why }: ClosedEdgePort): string {
  const setting = IS_API.has(workload)
    ? "set QUARTERDECK_EDGE_PORT so that other ports are used"
    : `set another edgePort for ${workload} in workloads.yaml`;
  return `Clients cannot reach ${workload} at ${node}: port ${port} ${why}. End the program that has it (ss -ltnp shows it), or ${setting} and start Quarterdeck again. The port is tried again every second, and the other workloads are served.`;
}
