import { createHash } from "node:crypto";

import { matchesEtag } from "../http/etag.ts";
import { type Route, route } from "../http/route.ts";
import { dataHeaders } from "../http/security-headers.ts";
import { DOCS_POLICY, docsPage } from "./docs-page.ts";
import { type ApiDescription, type OpenApi, openApiOf } from "./openapi.ts";

/** `/openapi.json` and `/docs` of an API, of all its routes including these, and a redirect to them from `/`. */
export function documentRoutes(
  api: ApiDescription,
  routes: readonly Route[],
  at: { url: string; release: string },
): Route[] {
  let document: OpenApi | undefined;
  const made: Route[] = [];
  const theDocument = (): OpenApi => (document ??= openApiOf(api, [...routes, ...made], at));
  made.push(
    route({
      method: "GET",
      path: "/openapi.json",
      operationId: "openApiDocument",
      tag: "Operations",
      summary: "This API as an OpenAPI 3.1 document",
      rule: { allow: "anyone", why: "it says what there is, not what is in it" },
      answers: {
        200: { description: "The document", media: "application/json" },
        304: { description: "It is the one that you have" },
      },
      handle: async ({ ifNoneMatch }) =>
        cached(JSON.stringify(theDocument()), ifNoneMatch, { "content-type": "application/json" }),
    }),
    route({
      method: "GET",
      path: "/docs",
      operationId: "documentation",
      tag: "Operations",
      summary: "This API for people",
      rule: { allow: "anyone", why: "it says what there is, not what is in it" },
      answers: {
        200: { description: "The page", media: "text/html" },
        304: { description: "It is the one that you have" },
      },
      handle: async ({ ifNoneMatch }) =>
        cached(await docsPage(theDocument()), ifNoneMatch, {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": DOCS_POLICY,
        }),
    }),
    route({
      method: "GET",
      path: "/",
      operationId: "start",
      tag: "Operations",
      summary: "Leads to the documentation",
      rule: { allow: "anyone", why: "it says where the documentation is" },
      answers: { 302: { description: "To /docs" } },
      handle: () => ({ status: 302, headers: { location: "/docs" } }),
    }),
  );
  return made;
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
  return new Response(text, { status: 200, headers: all });
}
