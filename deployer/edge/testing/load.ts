import { randomUUID } from "node:crypto";
import { Agent } from "node:http";

import { send } from "./client.ts";

export type Loaded = {
  answered: number;
  slowestMs: number;
  /** Idempotent or keyed requests without a complete and right answer, with the reason. */
  failed: string[];
  /** The ids of all POST requests without a key, of which a kill may fail some. */
  unkeyed: string[];
};

const CLIENTS = 6;

/**
 * Clients that send one request after the other on keep-alive connections, to each node in turn: GET, POST with an
 * Idempotency-Key, and POST without. None is ever sent twice by a client.
 */
export function startLoad(urls: readonly string[]): {
  loaded: Loaded;
  stop(): Promise<Loaded>;
} {
  const loaded: Loaded = { answered: 0, slowestMs: 0, failed: [], unkeyed: [] };
  const agent = new Agent({ keepAlive: true });
  const stopping = new AbortController();

  async function ask(url: string, kind: number): Promise<void> {
    const id = randomUUID();
    const isUnkeyed = kind % 10 === 9;
    if (isUnkeyed) loaded.unkeyed.push(id);
    const startMs = performance.now();
    try {
      const { status, body, headers } = await send(`${url}/echo`, {
        agent,
        headers: {
          "x-request": id,
          ...(kind % 10 >= 7 && !isUnkeyed ? { "idempotency-key": id } : {}),
        },
        ...(kind % 10 >= 7 ? { method: "POST", body: `body of ${id}` } : {}),
      });
      loaded.answered += 1;
      loaded.slowestMs = Math.max(loaded.slowestMs, performance.now() - startMs);
      const isRight = status === 200 && body.includes(id) && headers["x-release"] !== undefined;
      if (!isRight && !isUnkeyed) loaded.failed.push(`${status} ${body}`);
    } catch (error) {
      if (!isUnkeyed) loaded.failed.push(String(error));
    }
  }

  async function client(first: number): Promise<void> {
    for (let turn = first; !stopping.signal.aborted; turn += 1)
      await ask(urls[turn % urls.length] ?? "", turn);
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at)));
  return {
    loaded,
    async stop() {
      stopping.abort();
      await running;
      agent.destroy();
      return loaded;
    },
  };
}
