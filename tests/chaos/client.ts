import { setTimeout as delay } from "node:timers/promises";

import type { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";
import { type Send, type TestResponse, sendTo } from "#api/kit/testing.ts";

import type { Installation } from "./installation.ts";

/** A request with an unexpected response. */
export type Failure = {
  service: ServiceName;
  request: string;
  fromMs: number;
  toMs: number;
  /** 0: no response. */
  status: number;
  text: string;
  retryAfter: boolean;
};

export type Client = {
  /** Requests without a response, with a 503, and with an unexpected status. */
  failures: Failure[];
  answered(): number;
  /** The longest time that one request took, retries included. */
  longestMs(): number;
  /**
   * Retries until it gets the expected status: broken connections and 503 are retried, a POST with the same
   * Idempotency-Key.
   */
  ask<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>>;
  /** The same for any status except 503. */
  send(call: Call): Promise<TestResponse>;
};

/** `POST /v1/plans` of a service. */
export type Call = Send & { service: ServiceName; request: string; status?: number };

const RETRY_MS_MAX = 60_000;
const RETRY_MS = 100;

export function createClient(installation: Installation): Client {
  const failures: Failure[] = [];
  let answered = 0;
  let longestMs = 0;

  async function once(call: Call, headers: Record<string, string>): Promise<TestResponse | string> {
    const { service, request, as, body } = call;
    const [method = "GET", target = "/"] = request.split(" ");
    const limits = { as, headers, ...(body === undefined ? {} : { body }) };
    try {
      return await sendTo(installation.urls[service], method, target, limits);
    } catch (error) {
      return causeOf(error);
    }
  }

  async function send(call: Call): Promise<TestResponse> {
    const { service, request } = call;
    const headers = {
      ...(request.startsWith("POST") ? { "idempotency-key": crypto.randomUUID() } : {}),
      ...call.headers,
    };
    const startMs = performance.now();
    for (;;) {
      const fromMs = performance.now();
      const response = await once(call, headers);
      const toMs = performance.now();
      longestMs = Math.max(longestMs, toMs - startMs);
      const failure = failureOf(response, call.status);
      if (failure) failures.push({ service, request, fromMs, toMs, ...failure });
      if (typeof response !== "string" && response.status !== 503) {
        answered += 1;
        return response;
      }
      if (toMs - startMs > RETRY_MS_MAX) throw new Error(`${request} was not answered`);
      await delay(RETRY_MS);
    }
  }

  return {
    failures,
    answered: () => answered,
    longestMs: () => longestMs,
    send,
    async ask(call, schema) {
      const { status, text, json } = await send(call);
      if (status === (call.status ?? 200)) return schema.parse(json);
      throw new Error(`${call.service} ${call.request}: ${status} ${text}`);
    },
  };
}

function failureOf(response: TestResponse | string, wanted: number | undefined) {
  if (typeof response === "string") return { status: 0, text: response, retryAfter: false };
  const { status, text, headers } = response;
  if (status !== 503 && (wanted ?? status) === status) return undefined;
  return { status, text, retryAfter: headers.has("retry-after") };
}

function causeOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (cause instanceof Error) {
    const code = "code" in cause ? String(cause.code) : cause.name;
    return `${code} ${cause.message}`;
  }
  return String(error);
}
