import { Agent, request } from "node:http";

type LoadResult = {
  /** Number of responses by status. */
  statuses: Record<number, number>;
  /** Requests whose connection broke, by error code. */
  broken: Record<string, number>;
  /** The number of these that failed again when repeated. */
  lost: number;
};

export type Load = {
  /** Number of responses so far. */
  answered(): number;
  /** Whether every client has stopped by itself because its connection or the port was closed. */
  ended(): boolean;
  stop(): Promise<LoadResult>;
};

export type LoadOptions = {
  clients: number;
  /** Whether clients repeat a request whose connection broke, and continue. */
  retry: boolean;
};

/** Clients that send one request after the other, each on its own keep-alive connection. */
export function startLoad(url: string, { clients, retry }: LoadOptions): Load {
  const result: LoadResult = { statuses: {}, broken: {}, lost: 0 };
  const state = { stopping: false, answered: 0, running: clients };
  async function client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!state.stopping) {
      const answer = await get(url, agent);
      if (answer.error === "ECONNREFUSED" && !retry) break;
      if (answer.error !== undefined) {
        count(result.broken, answer.error);
        if (!retry) break;
        if ((await get(url, agent)).status !== 200) result.lost += 1;
        continue;
      }
      count(result.statuses, answer.status);
      state.answered += 1;
      if (answer.closes && !retry) break;
    }
    agent.destroy();
    state.running -= 1;
  }
  const running = Array.from({ length: clients }, client);
  return {
    answered: () => state.answered,
    ended: () => state.running === 0,
    async stop() {
      state.stopping = true;
      await Promise.all(running);
      return result;
    },
  };
}

function count<Key extends string | number>(counts: Record<Key, number>, key: Key): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

type Answer = { status: number; closes: boolean; error?: string };

function get(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      resolve({ status: 0, closes: true, error: error.code ?? error.message });
    const sent = request(url, { agent }, (response) => {
      response.on("error", fail);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          closes: response.headers.connection === "close",
        }),
      );
      response.resume();
    });
    sent.on("error", fail);
    sent.end();
  });
}
