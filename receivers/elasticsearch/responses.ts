import type { IncomingMessage } from "node:http";

import type { ProblemBody } from "#platform/http/problem.ts";
import { TextResponse } from "#platform/http/route.ts";

/** Clients reject servers without it. */
const PRODUCT = { "x-elastic-product": "Elasticsearch" };
const COMPATIBLE = /application\/vnd\.elasticsearch\+json; ?compatible-with=\d/;

/** A response of Elasticsearch, in the media type that the client accepts. `body`: JSON, or what is sent as JSON. */
export function elasticResponse(
  incoming: IncomingMessage,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): TextResponse | Response {
  const accepted = COMPATIBLE.exec(incoming.headers.accept ?? "")?.[0];
  const media = accepted ?? "application/json";
  const all = { ...PRODUCT, "content-type": media, ...headers };
  if (body instanceof ReadableStream) return new Response(body, { status, headers: all });
  return new TextResponse(status, typeof body === "string" ? body : JSON.stringify(body), all);
}

const TYPES: Readonly<Record<number, string>> = {
  400: "illegal_argument_exception",
  401: "security_exception",
  403: "security_exception",
  404: "resource_not_found_exception",
  413: "content_too_long_exception",
  415: "media_type_header_exception",
  429: "es_rejected_execution_exception",
};

/** A rejection as Elasticsearch formats it. */
export function elasticRefusal({ status, detail }: ProblemBody): {
  media: string;
  bytes: Uint8Array<ArrayBuffer>;
} {
  const cause = { type: TYPES[status] ?? "exception", reason: detail };
  const body = { error: { root_cause: [cause], ...cause }, status };
  return { media: "application/json", bytes: new TextEncoder().encode(JSON.stringify(body)) };
}
