import { z } from "zod";

import { covers } from "#pipeline/dataset-names.ts";
import { AppError } from "#platform/errors.ts";
import { type Caller, scopesOf } from "#platform/http/caller.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import type { Deps } from "../commands/deps.ts";
import { KEEP, READ, readScope, visibleExtents } from "../commands/read-scope.ts";
import { setRetention } from "../commands/set-retention.ts";
import { readRule, readRules, type RetentionRule } from "../repositories/retention.ts";
import { DatasetName, Retention } from "./schemas.ts";

const DAYS_MAX = 36_500;

const Dataset = z
  .strictObject({
    dataset: z.string(),
    rows: z.int(),
    from: z.string(),
    to: z.string(),
    retentionDays: z.int().nullable(),
  })
  .meta({ id: "Dataset" });
const Params = z.strictObject({ dataset: DatasetName });

export const datasetRoutes = (deps: Deps): Route[] => [
  listRoute(deps),
  retentionRoute(),
  keepRoute(deps),
];

const listRoute = ({ stores }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/datasets",
    operationId: "listDatasets",
    tag: "Datasets",
    summary: "Lists the datasets that the caller may read, by name",
    rule: { allow: "permission", permission: READ, scoped: true },
    query: pageQuery({}),
    responses: {
      200: {
        description: "Number of events, times of the first and last one, and retention",
        body: pageOf(Dataset),
      },
    },
    async handle({ query, caller, read }) {
      const [after] = decodeCursor(z.tuple([z.string()]), query.cursor) ?? [""];
      const extents = await visibleExtents(await stores.get(), caller);
      const rules = await readRules(read);
      const rest = extents
        .filter(({ dataset }) => dataset > after)
        .toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1));
      const page = cutPage(rest, query.limit, {
        item: ({ dataset, rows, fromMs, toMs }) => ({
          dataset,
          rows,
          from: new Date(fromMs).toISOString(),
          to: new Date(toMs).toISOString(),
          retentionDays: rules.get(dataset)?.days ?? null,
        }),
        cursor: ({ dataset }) => [dataset],
      });
      return { status: 200, body: page };
    },
  });

const retentionRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/datasets/{dataset}/retention",
    operationId: "getRetention",
    tag: "Datasets",
    summary: "Returns the retention of a dataset in days",
    description: "`days` is null for unlimited retention; `version` is 0 if it was never set.",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: Params,
    responses: { 200: { description: "The retention", body: Retention } },
    async handle({ params: { dataset }, caller, read }) {
      if (!covers(readScope(caller), dataset)) throw noDataset(dataset);
      return responseOf(dataset, await readRule(read, dataset));
    },
  });

const keepRoute = ({ kit }: Deps): Route =>
  route({
    method: "PUT",
    path: "/v1/datasets/{dataset}/retention",
    operationId: "setRetention",
    tag: "Datasets",
    summary: "Sets the retention of a dataset",
    description:
      "Events of UTC days that ended more than this many days ago are removed with their rollups; null keeps them without limit. Removed events cannot be restored.",
    rule: { allow: "permission", permission: KEEP, scoped: true },
    params: Params,
    body: z.strictObject({ days: z.int().min(1).max(DAYS_MAX).nullable() }),
    ifMatch: "required",
    responses: { 200: { description: "The retention", body: Retention } },
    handle({ params: { dataset }, body, caller, ifMatch, nowMs, traceId, write }) {
      if (!mayKeep(caller, dataset)) throw noDataset(dataset);
      const by = caller.id === "" ? caller.kind : caller.id;
      const change = { dataset, days: body.days, by, atMs: nowMs, ifMatch, traceId };
      return write(async (tx) => responseOf(dataset, await setRetention(kit, tx, change)));
    },
  });

const mayKeep = (caller: Caller, dataset: string): boolean =>
  covers(scopesOf(caller, KEEP), dataset);

const noDataset = (dataset: string): AppError =>
  new AppError("not_found", `There is no dataset ${dataset}.`);

function responseOf(dataset: string, { days, version, changedAt }: RetentionRule) {
  return {
    status: 200 as const,
    headers: etagOf(version),
    body: { dataset, days, version, changedAt: changedAt?.toISOString() ?? null },
  };
}
