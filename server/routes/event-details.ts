import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { FacetValues, Surroundings } from "#dashboards/api.ts";
import type { Filter } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import {
  type EventRoutesDeps,
  FOLLOW_EVENTS,
  parseEventId,
  parseSearch,
  Search,
} from "./events.ts";
import { loadFacets } from "./facets.ts";
import { surroundingsOf } from "./surroundings.ts";

const VALUES_MAX = 200;

/** What a reader of a search asks for next: more values of a field, and the events around one. */
export const eventDetailRoutes = (deps: EventRoutesDeps): Route<MemberRule>[] => [
  facetRoute(deps),
  surroundingsRoute(deps),
];

const facetRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events/facet",
    operationId: "getEventFacet",
    tag: "Events",
    summary: "Returns the most frequent values of a field in the events of a search",
    description:
      "Values of the field that the search selects, as in `status:(404 OR 503)`, do not limit the values of this field.",
    rule: FOLLOW_EVENTS,
    query: Search.extend({
      field: z.string().min(1).max(200),
      containing: z
        .string()
        .max(200)
        .optional()
        .describe("Only values with this text, in any case"),
    }),
    responses: { 200: { description: "The values", body: FacetValues } },
    async handle({ query, caller, signal }) {
      const { field, containing, ...search } = query;
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const { fromMs, toMs, where } = await parseSearch(search, store, clock);
      const like: Filter = containing ? [{ field, op: "like", value: `*${containing}*` }] : [];
      const request = {
        fromMs,
        toMs,
        where: [...where, ...like],
        fields: [field],
        limit: VALUES_MAX,
      };
      const values = (await loadFacets(store, request)).get(field) ?? [];
      return { status: 200, body: { values, isComplete: values.length < VALUES_MAX } };
    },
  });

const surroundingsRoute = ({ workspace }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/event/surroundings",
    operationId: "getEventSurroundings",
    tag: "Events",
    summary: "Returns the events just before and after an event in the same source",
    rule: FOLLOW_EVENTS,
    query: z.strictObject({ id: z.string().max(500) }),
    responses: { 200: { description: "The events, newest first", body: Surroundings } },
    async handle({ query, caller, signal }) {
      const id = parseEventId(query.id, "id");
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const found = await surroundingsOf(store, id);
      if (!found) throw new AppError("not_found", `there is no event ${id}`);
      return { status: 200, body: found };
    },
  });
