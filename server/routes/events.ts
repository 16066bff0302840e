import { Hono } from "hono";
import { z } from "zod";

import type { EventOverview, EventPage } from "#dashboards/api.ts";
import type { Filter, TimeRange } from "#pipeline/filter.ts";
import { chooseStep } from "#pipeline/metrics/planner.ts";
import { parseQuery } from "#pipeline/query-language.ts";
import type { EventId, Extent } from "#pipeline/store/port.ts";
import { parseRange } from "#pipeline/time-range.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { defaultRange } from "../board/tier.ts";
import type { Workspace } from "../workspace.ts";

const PAGE_EVENTS = 100;
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

export type EventRoutesDeps = { workspace(): Workspace; clock: Clock };

/** Search, its histogram and facets, and one event in full. All need the capability to view raw events. */
export function eventRoutes({ workspace, clock }: EventRoutesDeps): Hono {
  const app = new Hono();

  app.get("/api/events", async (c) => {
    const { store } = workspace();
    const { fromMs, toMs, where } = parseSearch(c.req.query(), await store.extents(), clock);
    const after = parseCursor(c.req.query("after"));
    const events = await store.search({
      fromMs,
      toMs,
      where,
      limit: PAGE_EVENTS,
      ...(after ? { after } : {}),
    });
    const last = events.length === PAGE_EVENTS ? events.at(-1) : undefined;
    const next = last ? `${Date.parse(String(last.fields["@timestamp"]))}~${last.id}` : null;
    return c.json({ events, next } satisfies EventPage);
  });

  app.get("/api/events/overview", async (c) => {
    const { store, kind } = workspace();
    const datasets = await store.extents();
    const { live, ...search } = parseSearch(c.req.query(), datasets, clock);
    const stepMs = chooseStep(search, BARS_MAX);
    const aggregate = { kind: "count" } as const;
    const [bars, facets] = await Promise.all([
      store.aggregate({ ...search, aggregate, stepMs }),
      store.facets({ ...search, fields: FACETS, limit: FACET_VALUES }),
    ]);
    const overview: EventOverview = {
      fromMs: search.fromMs,
      toMs: search.toMs,
      live,
      demo: kind === "demo",
      datasets,
      stepMs,
      count: bars.reduce((sum, { value }) => sum + value, 0),
      histogram: bars.map(({ tMs, value }) => [tMs, value]),
      facets: [...facets].map(([field, values]) => ({ field, values })),
    };
    return c.json(overview);
  });

  app.get("/api/event", async (c) => {
    const id = parseEventId(c.req.query("id") ?? "");
    const event = await workspace().store.event(id);
    if (!event) throw new AppError("not_found", `no event has the id ${id}`);
    return c.json(event);
  });

  return app;
}

type Search = TimeRange & { where: Filter; live: boolean };

/** Without a range: what the board opens on, over all datasets. */
function parseSearch(
  query: Record<string, string>,
  extents: readonly Extent[],
  clock: Clock,
): Search {
  const nowMs = clock.nowMs();
  const asked = parseRange({ from: query["from"], to: query["to"] }, nowMs);
  const where = parseQuery(query["q"] ?? "");
  return { ...(asked ?? defaultRange(wholeOf(extents), nowMs)), where };
}

function wholeOf(extents: readonly Extent[]): Extent | undefined {
  const [first] = extents;
  return (
    first && {
      ...first,
      fromMs: Math.min(...extents.map(({ fromMs }) => fromMs)),
      toMs: Math.max(...extents.map(({ toMs }) => toMs)),
    }
  );
}

const Cursor = z.templateLiteral([z.int(), "~", z.string()]);

function parseCursor(text: string | undefined): { tMs: number; id: EventId } | undefined {
  if (text === undefined) return undefined;
  const parsed = Cursor.safeParse(text);
  if (!parsed.success) throw new AppError("bad_request", "after: take it from `next` of a page");
  const [tMs, id] = splitOnce(parsed.data, "~");
  return { tMs: Number(tMs), id: parseEventId(id) };
}

const EventIdText = z.templateLiteral(["src_", z.string(), ":", z.int()]);

function parseEventId(text: string): EventId {
  const parsed = EventIdText.safeParse(text);
  if (!parsed.success) {
    throw new AppError("bad_request", `id: “${text.slice(0, 60)}” is no event id (src_…:offset)`);
  }
  return parsed.data;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
