import { setTimeout as delay } from "node:timers/promises";

import type { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";
import { type Send, type TestAnswer, sendTo } from "#api/kit/testing.ts";

import type { Site } from "./storm-site.ts";

/** A request that was not answered as it should: by which service, when, and how. */
export type Trouble = {
  service: ServiceName;
  request: string;
  fromMs: number;
  toMs: number;
  /** 0: no answer at all. */
  status: number;
  what: string;
  retryAfter: boolean;
};

export type Client = {
  /** Every answer that was no answer, or 503, and every one that nobody expected. */
  troubles: Trouble[];
  answered(): number;
  /** Longest time that one request, with all its repetitions, took. */
  longestMs(): number;
  /**
   * Sends until there is an answer of that status: what broke off or was refused with 503 is sent again, a POST with the
   * same Idempotency-Key.
   */
  ask<Schema extends z.ZodType>(request: Asked, schema: Schema): Promise<z.output<Schema>>;
  /** The same, whatever the answer but 503. */
  send(request: Asked): Promise<TestAnswer>;
};

/** `POST /v1/plans` of a service. */
export type Asked = Send & { service: ServiceName; request: string; status?: number };

const PATIENCE_MS = 60_000;
const AGAIN_MS = 100;

export function stormClient(site: Site): Client {
  const troubles: Trouble[] = [];
  let answered = 0;
  let longestMs = 0;

  async function once(asked: Asked, headers: Record<string, string>): Promise<TestAnswer | string> {
    const { service, request, as, body } = asked;
    const [method = "GET", target = "/"] = request.split(" ");
    const limits = { as, headers, ...(body === undefined ? {} : { body }) };
    try {
      return await sendTo(site.urls[service], method, target, limits);
    } catch (error) {
      return causeOf(error);
    }
  }

  async function send(asked: Asked): Promise<TestAnswer> {
    const { service, request } = asked;
    const headers = {
      ...(request.startsWith("POST") ? { "idempotency-key": crypto.randomUUID() } : {}),
      ...asked.headers,
    };
    const beganMs = performance.now();
    for (;;) {
      const fromMs = performance.now();
      const answer = await once(asked, headers);
      const toMs = performance.now();
      longestMs = Math.max(longestMs, toMs - beganMs);
      const trouble = troubleOf(answer, asked.status);
      if (trouble) troubles.push({ service, request, fromMs, toMs, ...trouble });
      if (typeof answer !== "string" && answer.status !== 503) {
        answered += 1;
        return answer;
      }
      if (toMs - beganMs > PATIENCE_MS) throw new Error(`${request} was never answered`);
      await delay(AGAIN_MS);
    }
  }

  return {
    troubles,
    answered: () => answered,
    longestMs: () => longestMs,
    send,
    async ask(asked, schema) {
      const { status, text, json } = await send(asked);
      if (status === (asked.status ?? 200)) return schema.parse(json);
      throw new Error(`${asked.service} ${asked.request}: ${status} ${text}`);
    },
  };
}

function troubleOf(answer: TestAnswer | string, wanted: number | undefined) {
  if (typeof answer === "string") return { status: 0, what: answer, retryAfter: false };
  const { status, text, headers } = answer;
  if (status !== 503 && (wanted ?? status) === status) return undefined;
  return { status, what: text, retryAfter: headers.has("retry-after") };
}

function causeOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (cause instanceof Error) {
    const code = "code" in cause ? String(cause.code) : cause.name;
    return `${code} ${cause.message}`;
  }
  return String(error);
}
