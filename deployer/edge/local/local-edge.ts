import type { Colour, Drivers, LaneCounts } from "#deployer/drivers.ts";
import type { Channel } from "#platform/channel/port.ts";

import type { ClosedPort } from "../closed-port.ts";
import { sumTallies } from "../traffic/lane-history.ts";
import type { Question, Reply, Verb, Verbs } from "./control.ts";
import type { WorkloadSettings } from "./node-settings.ts";

const REPLY_MS_MAX = 3_000;

export type LocalEdge = AsyncDisposable & {
  driver: Drivers["edge"];
  /** Tells a node which workloads it serves. @throws Error with the name of the node */
  serve(node: string, workloads: readonly WorkloadSettings[]): Promise<void>;
  /** Ports of a node that another program has. @throws Error with the name of the node */
  closedPorts(node: string): Promise<readonly ClosedPort[]>;
  /** What clients of all nodes that can be reached got since then (epoch ms). */
  counts(workload: string, fromMs: number): Promise<Record<Colour, LaneCounts>>;
};

type Accept = (channel: Channel<Reply, Question>) => void;
/** Connects to a node whenever it runs, until it is disposed. */
type Follow = (node: string, accept: Accept) => AsyncDisposable;

/** Nodes that may start and end at any time. */
export function openLocalEdge(ids: readonly string[], follow: Follow): LocalEdge {
  const nodes = new Map(ids.map((id) => [id, new NodeClient(id, follow)]));
  const nodeOf = (id: string): NodeClient => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  };
  return {
    driver: {
      nodes: () => Promise.resolve(ids.map((id) => ({ id, retired: false }))),
      read: async (id, workload) => nodeOf(id).ask("read", workload, undefined),
      apply: async (id, workload, config) => nodeOf(id).ask("apply", workload, config),
      closeSessions: async (id, { workload, colour, overMs }) =>
        nodeOf(id).ask("closeSessions", workload, { colour, overMs }),
    },
    serve: async (id, workloads) => nodeOf(id).ask("serve", "", workloads),
    closedPorts: async (id) => nodeOf(id).ask("closed", "", undefined),
    async counts(workload, fromMs) {
      const all = await Promise.allSettled(
        [...nodes.values()].map((node) => node.ask("counts", workload, { fromMs })),
      );
      return sumTallies(all.flatMap((it) => (it.status === "fulfilled" ? [it.value] : [])));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...nodes.values()].map((node) => node.close()));
    },
  };
}

type Waiting = { resolve(output: unknown): void; reject(error: Error): void };

/** Asks one node on its socket. */
class NodeClient {
  readonly #id: string;
  readonly #following: AsyncDisposable;
  readonly #waiting = new Map<number, Waiting>();
  #channel: Channel<Reply, Question> | undefined;
  #asked = 0;

  constructor(id: string, follow: Follow) {
    this.#id = id;
    this.#following = follow(id, (channel) => {
      this.#channel = channel;
      channel.onMessage((reply) => this.#take(reply));
      void channel.closed.then(() => this.#lose(channel));
    });
  }

  /** @throws Error with the id of the node, when it refuses or cannot be reached */
  ask<V extends Verb>(
    verb: V,
    workload: string,
    input: Verbs[V]["input"],
  ): Promise<Verbs[V]["output"]> {
    const channel = this.#channel;
    if (channel === undefined) return Promise.reject(this.#error("cannot be reached"));
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<Verbs[V]["output"]>();
    const late = setTimeout(
      () => reject(this.#error(`does not answer in ${REPLY_MS_MAX} ms`)),
      REPLY_MS_MAX,
    );
    this.#waiting.set(id, { resolve, reject });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input belongs to the verb
    channel.post({ id, verb, workload, input } as Question);
    return promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(id);
    });
  }

  async close(): Promise<void> {
    await this.#following[Symbol.asyncDispose]();
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if ("error" in reply) waiting?.reject(this.#error(reply.error));
    else waiting?.resolve(reply.output);
  }

  #lose(channel: Channel<Reply, Question>): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    for (const { reject } of this.#waiting.values()) reject(this.#error("has ended"));
  }

  #error = (what: string): Error => new Error(`${this.#id}: ${what}`);
}
