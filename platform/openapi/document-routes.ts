import { createHash } from "node:crypto";

import type { BaseRule, OpenRule } from "../http/access-control.ts";
import { matchesEtag } from "../http/etag.ts";
import { type Route, openRoute } from "../http/route.ts";
import { dataHeaders } from "../http/security-headers.ts";
import { DOCS_POLICY, docsPage } from "./docs-page.ts";
import { type ApiDescription, type OpenApi, openApiOf } from "./openapi.ts";

const RULE = { allow: "anyone", why: "it describes the API and contains no data" } as const;

/** `/openapi.json` and `/docs` of an API, which describe all its routes including these. */
export function documentRoutes<R extends BaseRule>(
  api: ApiDescription<R>,
  routes: readonly Route<NoInfer<R>>[],
  at: { url: string; release: string },
): Route<OpenRule>[] {
  let document: OpenApi | undefined;
  const own: Route<OpenRule>[] = [];
  const documented = (): OpenApi =>
    (document ??= openApiOf<BaseRule>(api, [...routes, ...own], at));
  own.push(
    openRoute({
      method: "GET",
      path: "/openapi.json",
      operationId: "openApiDocument",
      tag: "Operations",
      summary: "Returns the OpenAPI 3.1 document of this API",
      rule: RULE,
      responses: {
        200: { description: "The document", media: "application/json" },
        304: { description: "It has not changed" },
      },
      handle: async ({ ifNoneMatch }) =>
        cached(JSON.stringify(documented()), ifNoneMatch, { "content-type": "application/json" }),
    }),
    openRoute({
      method: "GET",
      path: "/docs",
      operationId: "documentation",
      tag: "Operations",
      summary: "Returns the documentation page of this API",
      rule: RULE,
      responses: {
        200: { description: "The page", media: "text/html" },
        304: { description: "It has not changed" },
      },
      handle: async ({ ifNoneMatch }) =>
        cached(await docsPage(documented()), ifNoneMatch, {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": DOCS_POLICY,
        }),
    }),
  );
  return own;
}

function cached(
  text: string,
  ifNoneMatch: string | undefined,
  headers: Record<string, string>,
): Response {
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
  const all = { ...dataHeaders(), "cache-control": "no-cache", etag, ...headers };
  const isKnown = ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag);
  if (isKnown) return new Response(null, { status: 304, headers: all });
  // With a length a cache can keep it back until all of it is there.
  const length = String(Buffer.byteLength(text));
  return new Response(text, { status: 200, headers: { ...all, "content-length": length } });
}
