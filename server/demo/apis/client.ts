import { randomUUID } from "node:crypto";

import { z } from "zod";

import type { ServiceName } from "#api/kit/service.ts";

/** URLs of the domain APIs, and the root key for the demo's set-up. */
export const ApiAddresses = z.strictObject({
  urls: z.record(z.enum(["accounts", "billing", "management", "logging", "reporting"]), z.url()),
  rootKey: z.string(),
});
export type ApiAddresses = z.infer<typeof ApiAddresses>;

type ApiRequest = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  token?: string | undefined;
  body?: unknown;
  /** NDJSON for Logging. */
  ndjson?: string;
  /** Idempotency-Key; default: a new one for each POST. */
  key?: string;
  ifMatch?: string | undefined;
  /** Address of the person on whose behalf the shop calls. */
  address?: string;
};
export type ApiResponse = { status: number; json: unknown; etag: string | undefined };

/** Calls an API. @throws Error when there is no response */
export type CallApi = (service: ServiceName, request: ApiRequest) => Promise<ApiResponse>;

const TIMEOUT_MS = 10_000;

export function apiClient({ urls }: ApiAddresses): CallApi {
  return async (service, request) => {
    const response = await fetch(new URL(request.path, urls[service]), {
      method: request.method,
      headers: headersOf(request),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...bodyOf(request),
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    const json: unknown = isJson && text !== "" ? JSON.parse(text) : undefined;
    return { status: response.status, json, etag: response.headers.get("etag") ?? undefined };
  };
}

function headersOf(request: ApiRequest): Record<string, string> {
  const { token, ifMatch, address } = request;
  return {
    "user-agent": "demo-shop",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(request.method === "POST" ? { "idempotency-key": request.key ?? randomUUID() } : {}),
    ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
    ...(address === undefined ? {} : { "x-forwarded-for": address }),
    ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    ...(request.ndjson === undefined ? {} : { "content-type": "application/x-ndjson" }),
  };
}

function bodyOf({ body, ndjson }: ApiRequest): { body?: string } {
  if (ndjson !== undefined) return { body: ndjson };
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

/** Returns the response if it has one of the statuses. @throws Error that quotes the actual response */
export function expectStatus(answer: ApiResponse, ...statuses: number[]): ApiResponse {
  if (statuses.includes(answer.status)) return answer;
  throw new Error(
    `an API responded ${answer.status}: ${JSON.stringify(answer.json).slice(0, 500)}`,
  );
}
