import { z } from "zod";

import type { Route } from "#platform/http/route.ts";
import { Slices } from "#platform/slices.ts";

import { beginDelivery, type PushDeps } from "../http/deliver.ts";
import { tokenOf, tokenRoute, type TokenRule } from "../http/token-access.ts";
import type { BulkResults } from "./bulk-results.ts";
import { addBulk } from "./bulk.ts";
import { elasticRefusal, elasticResponse } from "./responses.ts";

const ITEM_FIELD = /^items\.(?:\*|\w+)\.(\w+)/;
const ITEMS_AT_ONCE = 5_000;
const NDJSON = "application/x-ndjson";

/** Parameters of Elasticsearch; those that have no meaning here are ignored. */
const Query = z.looseObject({
  filter_path: z.string().max(2_000).optional(),
  pipeline: z.string().max(200).optional(),
});
const IndexParams = z.object({ index: z.string().min(1).max(255) });

/** Bulk requests as Elasticsearch accepts them. */
export const bulkRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  ...(["POST", "PUT"] as const).map((method) => bulkRoute(deps, method, "/_bulk")),
  ...(["POST", "PUT"] as const).map((method) => bulkRoute(deps, method, "/{index}/_bulk")),
];

const bulkRoute = (deps: PushDeps, method: "POST" | "PUT", path: string): Route<TokenRule> =>
  tokenRoute({
    method,
    path,
    operationId: `elasticBulk${method}${path === "/_bulk" ? "" : "Index"}`,
    tag: "Elasticsearch",
    summary: "Accepts events as bulk requests of Elasticsearch",
    description:
      "The operations index and create. A document with an id that is sent again is kept once. Ingest pipelines are ignored, which a Warning header states: formats are recognised here.",
    rule: { allow: "token" },
    params: z.union([IndexParams, z.looseObject({})]),
    query: Query,
    consumes: [NDJSON, "application/json"],
    refusal: elasticRefusal,
    responses: {},
    async handle(call) {
      const startedMs = performance.now();
      const { params, query, incoming } = call;
      using received = await beginDelivery(deps, "elasticsearch", call);
      const { body, delivery } = received;
      const index = "index" in params ? String(params.index) : "";
      const { packer } = deps;
      const table = packer.tableOf(`${tokenOf(call.caller).id} ${index}`);
      const results = await addBulk(delivery, { body, indexOfPath: index }, { packer, table });
      await delivery.send();
      if (query.pipeline !== undefined) results.pipelines.add(query.pipeline);
      const tookMs = Math.round(performance.now() - startedMs);
      const text = textOf(results, tookMs, itemFields(query.filter_path));
      return elasticResponse(incoming, text, { headers: warningOf(results) });
    },
  });

/** Long ones are sent while they are made, so that other requests are handled meanwhile. */
function textOf(
  results: BulkResults,
  tookMs: number,
  only: ReadonlySet<string> | undefined,
): string | ReadableStream<Uint8Array> {
  const pieces = results.text(tookMs, only);
  if (results.count <= ITEMS_AT_ONCE) return [...pieces].join("");
  const slices = new Slices();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (slices.isOver) await slices.pause();
      const { value, done } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(Buffer.from(value));
    },
  });
}

/** Of `filter_path`, which selects parts of a response, the fields of items. */
function itemFields(filter: string | undefined): ReadonlySet<string> | undefined {
  if (filter === undefined) return undefined;
  const parts = filter.split(",");
  if (parts.some((part) => part === "items" || part === "*" || part === "items.*"))
    return undefined;
  const fields = parts.flatMap((part) => ITEM_FIELD.exec(part.trim())?.[1] ?? []);
  return fields.length > 0 ? new Set(fields) : undefined;
}

function warningOf({ pipelines }: BulkResults): Record<string, string> {
  if (pipelines.size === 0) return {};
  const names = [...pipelines]
    .join(", ")
    .replaceAll(/[^\w., -]/g, "_")
    .slice(0, 500);
  return {
    warning: `299 Quarterdeck "ingest pipelines are ignored (${names}): formats are recognised when events are stored"`,
  };
}
