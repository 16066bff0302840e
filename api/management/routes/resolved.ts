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
 * What an application asks for at start and whenever a watch tells it to: by far the most frequent read. It is answered
 * from the memory of the process, as text that was made once.
 */
export function resolvedRoute({ cache }: RouteDeps): Route {
  return route({
    method: "GET",
    path: "/v1/settings/{application}/resolved",
    operationId: "resolveSettings",
    tag: "Settings",
    summary: "The values that count for a product in an environment",
    description:
      "The value of the product in the environment, else of the environment, else of the product, else the global one, else the default; what has none is left out. Send the ETag back as If-None-Match: 304 says that nothing has changed. Other processes show a change once they heard of it, which takes milliseconds; after a lost notification at most 30 s. Send the read-after of an answer to be sure to see that change.",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: InApplication,
    query: z.strictObject(Place),
    answers: {
      200: { description: "The values", body: Resolved },
      304: { description: "Nothing has changed" },
    },
    handle({ params, query, caller, incoming, ifNoneMatch, nowMs }) {
      checkIn(caller, READ, params.application);
      const after = readAfter(incoming);
      const answer = (cached: Cached) => {
        if (ifNoneMatch === undefined) return answerOf(cached, query);
        const headers = headersOf(cached);
        return matchesEtag(ifNoneMatch, headers.etag)
          ? { status: 304 as const, headers }
          : answerOf(cached, query);
      };
      const known = after === undefined ? cache.peek(params.application, nowMs) : undefined;
      return known ? answer(known) : cache.get(params.application, after).then(answer);
    },
  });
}

const headersOf = ({ application }: Cached) => ({
  etag: `"${application.version}"`,
  "cache-control": "private, no-cache",
});

/** Made once for each URL: the kit gives all requests for it the same query. */
function answerOf(cached: Cached, query: Scope): PrebuiltResponse {
  const known = cached.answers.get(query);
  if (known !== undefined) return known;
  const { name: application, version: revision, content } = cached.application;
  const { product, environment } = query;
  const settings = resolve(content, { product, environment });
  const text = JSON.stringify({ application, product, environment, revision, settings });
  const answer = new PrebuiltResponse(200, text, headersOf(cached));
  cached.answers.set(query, answer);
  return answer;
}
