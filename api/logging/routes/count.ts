import { z } from "zod";

import type { TimeRange } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { chooseStep, pointsOf } from "#pipeline/metrics/planner.ts";
import { resolveField } from "#pipeline/query-language.ts";
import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";
import { queryInt, text } from "#platform/http/schema.ts";

import type { Deps } from "../commands/deps.ts";
import { READ, withinScope } from "../commands/read-scope.ts";
import { hints, hintsOn } from "./hints.ts";
import { parseLogQuery } from "./range.ts";
import { FieldName, scopeQuery } from "./schemas.ts";

const FIELDS_MAX = 20;
const POINTS_MAX = 1_000;
const POINTS_AUTO = 60;
const STEP_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export const countRoutes = (deps: Deps): Route[] => [facetsRoute(deps), countsRoute(deps)];

const FieldList = text({ max: 2_000 })
  .transform((names) => names.split(",").map(resolveField))
  .pipe(z.array(FieldName).max(FIELDS_MAX, { error: `name at most ${FIELDS_MAX} fields` }))
  .meta({ description: "Field names, separated by commas", example: "log.level,service.name" });

const Facet = z.strictObject({
  field: z.string(),
  values: z.array(z.strictObject({ value: z.string(), count: z.int() })),
});

const facetsRoute = ({ stores }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/facets",
    operationId: "listFacets",
    tag: "Read",
    summary: "Returns the most frequent values of fields",
    rule: { allow: "permission", permission: READ, scoped: true },
    query: z.strictObject({
      ...scopeQuery,
      fields: FieldList,
      limit: queryInt({ min: 1, max: 100, fallback: 10 }),
    }),
    responses: {
      200: {
        description: "One item per field",
        body: z.strictObject({ items: z.array(Facet), hints }),
      },
    },
    async handle({ query, caller, nowMs, readSignal }) {
      const asking = { signal: readSignal, asker: caller.id };
      const store = forAsker(await stores.get(), asking);
      const scope = await withinScope(store, caller);
      const resolved = await parseLogQuery(query, nowMs, { store, scope });
      const facets = await store.facets({
        ...resolved,
        where: [...resolved.where, ...scope],
        fields: query.fields,
        limit: query.limit,
      });
      const items = [...facets].map(([field, values]) => ({ field, values }));
      const isEmpty = query.fields.length > 0 && items.every(({ values }) => values.length === 0);
      const found = await hintsOn({ ...resolved, scope, isEmpty }, store);
      return { status: 200, body: { items, ...found } };
    },
  });

const Count = z.strictObject({ at: z.string(), value: z.string().nullable(), count: z.int() });

const countsRoute = ({ stores }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/counts",
    operationId: "countLogs",
    tag: "Read",
    summary: "Counts matching events over time",
    description: `One count for each step with events, at most ${POINTS_MAX} steps. Steps start at multiples of the step since 1970, so the first may start before \`from\`. With \`by\`, one count for each of the most frequent values of that field (null: absent).`,
    rule: { allow: "permission", permission: READ, scoped: true },
    query: z.strictObject({
      ...scopeQuery,
      step: z
        .string()
        .regex(/^(?:auto|\d{1,4}[smhd])$/, { error: "give 10s, 5m, 1h, 1d, or auto" })
        .default("auto"),
      by: z.string().max(200).transform(resolveField).pipe(FieldName).optional(),
      limit: queryInt({ min: 1, max: 50, fallback: 10 }),
    }),
    responses: {
      200: {
        description: "The counts, oldest first",
        body: z.strictObject({ stepMs: z.int(), items: z.array(Count), hints }),
      },
    },
    async handle({ query, caller, nowMs, readSignal }) {
      const asking = { signal: readSignal, asker: caller.id };
      const store = forAsker(await stores.get(), asking);
      const scope = await withinScope(store, caller);
      const resolved = await parseLogQuery(query, nowMs, { store, scope });
      const stepMs = stepOf(query.step, resolved);
      const rows = await store.aggregate({
        ...resolved,
        where: [...resolved.where, ...scope],
        aggregate: { kind: "count" },
        stepMs,
        ...(query.by === undefined ? {} : { by: { field: query.by, limit: query.limit } }),
      });
      const items = rows.map(({ tMs, by, value }) => ({
        at: new Date(tMs).toISOString(),
        value: by,
        count: value,
      }));
      const found = await hintsOn({ ...resolved, scope, isEmpty: items.length === 0 }, store);
      return { status: 200, body: { stepMs, items, ...found } };
    },
  });

function stepOf(step: string, range: TimeRange): number {
  if (step === "auto") return chooseStep(range, POINTS_AUTO);
  const stepMs = Number(step.slice(0, -1)) * (STEP_MS[step.slice(-1)] ?? 0);
  const points = stepMs > 0 ? pointsOf(range, stepMs) : Number.POSITIVE_INFINITY;
  if (points <= POINTS_MAX) return stepMs;
  const message = `this gives more than ${POINTS_MAX} steps: give a larger step, or a shorter range`;
  throw new AppError("bad_request", `query.step: ${message}`, {
    fields: [{ path: "query.step", code: "too_small", message }],
  });
}
