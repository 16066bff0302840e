import { randomUUID } from "node:crypto";
import { Agent } from "node:http";

import { z } from "zod";

import { type Sent, send } from "./testing/client.ts";

const CLIENTS = 8;
const CACHED_URLS = 100;
const ANSWER_MS_MAX = 15_000;

export type Load = {
  answered(): number;
  /** Ends it. @returns why requests failed, as the documentation of the edge defines it */
  stop(): Promise<string[]>;
};

/**
 * Clients that send one request after the other on connections that are kept alive: 60 % cacheable GET, 30 % others,
 * 10 % POST with an Idempotency-Key. None is sent again by the client.
 */
export function startLoad(urls: readonly string[], isRelease: (release: string) => boolean): Load {
  const agent = new Agent({ keepAlive: true });
  const stopping = new AbortController();
  const failed: string[] = [];
  let answered = 0;

  async function client(first: number): Promise<void> {
    for (let turn = first; !stopping.signal.aborted; turn += 1) {
      const asked = requestOf(turn);
      const name = `${asked.method} ${asked.path}`;
      try {
        const url = `${urls[turn % urls.length]}${asked.path}`;
        const { status, body } = await send(url, { ...sentOf(asked), agent, msMax: ANSWER_MS_MAX });
        answered += 1;
        const isRight = status === 200 && isAnswerTo(asked, body, isRelease);
        if (!isRight) failed.push(`${name}: ${status} ${body}`);
      } catch (error) {
        failed.push(`${name}: ${String(error)}`);
      }
    }
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at * 13)));
  return {
    answered: () => answered,
    async stop() {
      stopping.abort();
      await running;
      agent.destroy();
      return failed;
    },
  };
}

type Asked = { method: string; path: string; key: string };

function requestOf(turn: number): Asked {
  const id = randomUUID();
  const kind = turn % 10;
  if (kind < 6) return { method: "GET", path: `/cached/${turn % CACHED_URLS}`, key: "" };
  return kind < 9
    ? { method: "GET", path: `/unique/${id}`, key: "" }
    : { method: "POST", path: `/unique/${id}`, key: id };
}

const sentOf = ({ method, key }: Asked): Sent =>
  key === "" ? { method } : { method, headers: { "idempotency-key": key }, body: "what is sent" };

const Answer = z.object({ release: z.string(), url: z.string(), key: z.string() });

function isAnswerTo(
  { path, key }: Asked,
  body: string,
  isRelease: (release: string) => boolean,
): boolean {
  const answer = Answer.parse(JSON.parse(body));
  return isRelease(answer.release) && answer.url === path && answer.key === key;
}
