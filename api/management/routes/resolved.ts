import { z } from "zod";

import { matchesEtag } from "#platform/http/etag.ts";
import { PrebuiltResponse, type Route, route } from "#platform/http/route.ts";

import type { Cached } from "../commands/state-cache.ts";
import type { Scope } from "../domain/application.ts";
import { resolve } from "../domain/resolve.ts";
import { READ, type RouteDeps, checkIn } from "./access.ts";
import { readAfter } from "./applications.ts";
import { ApplicationName, InApplication, Place, Version } from "./wire.ts";

const Resolved = z
  .strictObject({
    application: ApplicationName,
    ...Place,
    revision: Version,
    settings: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "ResolvedSettings" });

/**
 * By far the most frequent read: applications call it at start and after each watch event. It is served from memory
 * with pre-built text.
 */
export function resolvedRoute({ cache }: RouteDeps): Route {
  return route({
    method: "GET",
    path: "/v1/settings/{application}/resolved",
    operationId: "resolveSettings",
    tag: "Settings",
    summary: "Returns the effective values for a product in an environment",
    description:
      "Precedence: product in environment, environment, product, global, default; unset settings are omitted. Send the ETag as If-None-Match to get 304 when nothing has changed. Other processes return a change within milliseconds, after a lost notification within 30 s. Send the read-after of an answer to be sure to see that change.",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    query: z.strictObject(Place),
    responses: {
      200: { description: "The values", body: Resolved },
      304: { description: "Nothing has changed" },
    },
    handle({ params, query, caller, incoming, ifNoneMatch, nowMs }) {
      checkIn(caller, READ, params.application);
      const after = readAfter(incoming);
      const response = (cached: Cached) => {
        if (ifNoneMatch === undefined) return responseOf(cached, query);
        const headers = headersOf(cached);
        return matchesEtag(ifNoneMatch, headers.etag)
          ? { status: 304 as const, headers }
          : responseOf(cached, query);
      };
      const known = after === undefined ? cache.peek(params.application, nowMs) : undefined;
      return known ? response(known) : cache.get(params.application, after).then(response);
    },
  });
}

const headersOf = ({ application }: Cached) => ({
  etag: `"${application.version}"`,
  "cache-control": "private, no-cache",
});

/** Cached by query object: the HTTP kit passes the same one for all requests of a URL. */
function responseOf(cached: Cached, query: Scope): PrebuiltResponse {
  const known = cached.responses.get(query);
  if (known !== undefined) return known;
  const { name: application, version: revision, content } = cached.application;
  const { product, environment } = query;
  const settings = resolve(content, { product, environment });
  const text = JSON.stringify({ application, product, environment, revision, settings });
  const response = new PrebuiltResponse(200, text, headersOf(cached));
  cached.responses.set(query, response);
  return response;
}
