import { z } from "zod";

import { type GrantRule, type MemberRule, memberRoute } from "#access/route.ts";
import { EventDocument, EventOverview, EventPage, SearchSuggestions } from "#dashboards/api.ts";
import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { chooseStep } from "#pipeline/metrics/planner.ts";
import { suggestionsFor } from "#pipeline/query/completion.ts";
import { parseKnownQuery } from "#pipeline/query/known-fields.ts";
import type { EventId, EventReader, MetricReader, StoreMaintenance } from "#pipeline/store/port.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import { holesIn } from "../board/holes.ts";
import { shownDatasets } from "../board/shown-datasets.ts";
import { defaultRange, rangeOfAll } from "../board/tier.ts";
import type { WorkspaceView } from "../workspace.ts";
import { Instant } from "./board.ts";
import { loadFacets } from "./facets.ts";
import { hintsFor } from "./search-hints.ts";

const PAGE_EVENTS = 100;
const SUGGESTIONS_MS_MAX = 3_000;
const BARS_MAX = 120;
const FACET_VALUES = 8;
const FACETS = [
  "data_stream.dataset",
  "http.response.status_code",
  "http.request.method",
  "http.route",
  "log.level",
  "source.address",
  "event.action",
  "service.node.name",
] as const;

export type EventRoutesDeps = {
  workspace(): Pick<WorkspaceView, "kind" | "store">;
  clock: Clock;
};

/** Also required by a socket's tail of raw events. */
export const FOLLOW_EVENTS: GrantRule = {
  allow: "grant",
  capability: "view",
  target: "events:all",
};

export const Search = z.strictObject({
  from: Instant.optional(),
  to: Instant.optional(),
  q: z
    .string()
    .max(4_000)
    .optional()
    .describe("A query, e.g. `status:500 path:/api`. Default: all events."),
});

/** Search, its histogram and facets, and single events. All require the capability to view raw events. */
export const eventRoutes = (deps: EventRoutesDeps): Route<MemberRule>[] => [
  searchRoute(deps),
  overviewRoute(deps),
  suggestionsRoute(deps),
  eventRoute(deps),
];

const searchRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events",
    operationId: "searchEvents",
    tag: "Events",
    summary: "Searches events, newest first",
    rule: FOLLOW_EVENTS,
    query: Search.extend({
      after: z.string().max(500).optional().describe("`next` of the previous page"),
    }),
    responses: { 200: { description: "A page of events", body: EventPage } },
    async handle({ query, caller, signal }) {
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const { fromMs, toMs, where } = await parseSearch(query, store, clock);
      const after = parseCursor(query.after);
      const events = await store.search({
        fromMs,
        toMs,
        where,
        limit: PAGE_EVENTS,
        ...(after ? { after } : {}),
      });
      const last = events.length === PAGE_EVENTS ? events.at(-1) : undefined;
      const next = last ? `${Date.parse(String(last.fields["@timestamp"]))}~${last.id}` : null;
      return { status: 200, body: { events, next } };
    },
  });

const overviewRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events/overview",
    operationId: "getEventOverview",
    tag: "Events",
    summary: "Returns the histogram and the facets of a search, and its range",
    rule: FOLLOW_EVENTS,
    query: Search,
    responses: { 200: { description: "The overview", body: EventOverview } },
    async handle({ query, caller, signal }) {
      const { store, kind } = workspace();
      const view = { store: forAsker(store, { signal, asker: caller.id }), kind };
      return { status: 200, body: await loadOverview(view, query, clock) };
    },
  });

const suggestionsRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events/suggestions",
    operationId: "suggestSearch",
    tag: "Events",
    summary: "Completes the field or the value at the end of a query",
    rule: FOLLOW_EVENTS,
    query: Search,
    responses: { 200: { description: "The suggestions", body: SearchSuggestions } },
    async handle({ query, caller, signal }) {
      // Later suggestions are of no use to a person who goes on typing.
      const ending = AbortSignal.any([signal, AbortSignal.timeout(SUGGESTIONS_MS_MAX)]);
      const store = forAsker(workspace().store, { signal: ending, asker: caller.id });
      const range = await searchedRange(query, store, clock.nowMs());
      return { status: 200, body: await suggestionsFor(query.q ?? "", range, store) };
    },
  });

const eventRoute = ({ workspace }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/event",
    operationId: "getEvent",
    tag: "Events",
    summary: "Returns an event with all its fields",
    rule: FOLLOW_EVENTS,
    query: z.strictObject({ id: z.string().max(500) }),
    responses: { 200: { description: "The event", body: EventDocument } },
    async handle({ query, caller, signal }) {
      const id = parseEventId(query.id, "id");
      const asking = { signal, asker: caller.id };
      const event = await workspace().store.event(id, asking);
      if (!event) throw new AppError("not_found", `there is no event ${id}`);
      return { status: 200, body: event };
    },
  });

type OverviewSource = Pick<WorkspaceView, "kind"> & {
  store: MetricReader & Pick<EventReader, "facets" | "search"> & Pick<StoreMaintenance, "status">;
};

async function loadOverview(
  { store, kind }: OverviewSource,
  query: z.infer<typeof Search>,
  clock: Clock,
): Promise<EventOverview> {
  const datasets = await store.extents();
  const { live, ...search } = await parseSearch(query, store, clock);
  const stepMs = chooseStep(search, BARS_MAX);
  const aggregate = { kind: "count" } as const;
  const [bars, facets, { holes }] = await Promise.all([
    store.aggregate({ ...search, aggregate, stepMs }),
    loadFacets(store, { ...search, fields: FACETS, limit: FACET_VALUES }),
    store.status(),
  ]);
  const count = bars.reduce((sum, { value }) => sum + value, 0);
  return {
    fromMs: search.fromMs,
    toMs: search.toMs,
    live,
    demo: kind === "demo",
    datasets: shownDatasets(datasets, undefined),
    datasetsTotal: datasets.length,
    stepMs,
    count,
    hints: await hintsFor(search.where, { store, range: search, isEmpty: count === 0 }),
    histogram: bars.map(({ tMs, value }) => [tMs, value]),
    holes: holesIn(holes, { range: search, stepMs }),
    facets: [...facets].map(([field, values]) => ({ field, values })),
    atMs: clock.nowMs(),
  };
}

type ParsedSearch = TimeRange & { where: Filter; live: boolean };

export async function parseSearch(
  query: z.infer<typeof Search>,
  store: MetricReader & Pick<EventReader, "search">,
  clock: Clock,
): Promise<ParsedSearch> {
  const where = await parseKnownQuery(query.q ?? "", { store });
  return { ...(await searchedRange(query, store, clock.nowMs())), where };
}

/** Default range: the initial one of the board, over all datasets. */
async function searchedRange(
  { from, to }: z.infer<typeof Search>,
  store: MetricReader,
  nowMs: number,
): Promise<TimeRange & { live: boolean }> {
  const requested = parseRange({ from, to }, nowMs);
  if (requested) return requested;
  return defaultRange(rangeOfAll(await mainExtents(store, nowMs), nowMs), nowMs);
}

const Cursor = z.templateLiteral([z.int(), "~", z.string()]);

function parseCursor(text: string | undefined): { tMs: number; id: EventId } | undefined {
  if (text === undefined) return undefined;
  const parsed = Cursor.safeParse(text);
  if (!parsed.success) throw invalidParameter("after", "give `next` of the previous page");
  const [tMs, id] = splitOnce(parsed.data, "~");
  return { tMs: Number(tMs), id: parseEventId(id, "after") };
}

const EventIdText = z.templateLiteral(["src_", z.string(), ":", z.int()]);

export function parseEventId(text: string, parameter: string): EventId {
  const parsed = EventIdText.safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalidParameter(parameter, `“${text.slice(0, 60)}” is not an event id (src_…:offset)`);
}

const invalidParameter = (name: string, message: string): AppError =>
  new AppError("bad_request", `${name}: ${message}`, {
    fields: [{ path: `query.${name}`, code: "invalid", message }],
  });

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
