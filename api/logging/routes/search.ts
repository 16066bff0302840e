import { z } from "zod";

import { forAsker } from "#pipeline/for-asker.ts";
import type { EventDocument, EventId as StoreEventId } from "#pipeline/store/port.ts";
import { AppError } from "#platform/errors.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import type { Deps } from "../commands/deps.ts";
import { isVisible, READ, withinScope } from "../commands/read-scope.ts";
import { hints, hintsOn } from "./hints.ts";
import { parseLogQuery } from "./range.ts";
import { Event, EventId, scopeQuery } from "./schemas.ts";

const StoredId = z.custom<StoreEventId>((it) => EventId.safeParse(it).success);
const Ms = z.int().min(-8.64e15).max(8.64e15);
/** The range at the time of the first page, and the last event returned. */
const Cursor = z.tuple([Ms, Ms, Ms, StoredId]);

export const searchRoutes = (deps: Deps): Route[] => [searchRoute(deps), eventRoute(deps)];

const searchRoute = ({ stores }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/search",
    operationId: "searchLogs",
    tag: "Read",
    summary: "Searches events, newest first",
    description:
      "Searches the datasets that the caller may read. All terms of `q` must match, unless they are joined by `OR`: words are searched in the message, error message, URL, user agent, referrer and original line; `level:error` matches a value, `path:/api/*` a pattern, `ip:203.0.113.0/24` a network, `status>=500` and `bytes:[10 TO 20]` compare, `user:*` requires the field, `-method:GET` and `NOT method:GET` negate; parentheses group, quotes keep words together. A mistake is answered with its column, and a value that occurs only in another case with `hints`. Later pages keep the range of the first one, even if it ended at now. Texts of more than 64 KiB are cut: `GET /v1/logs/{eventId}` returns them whole. A search that takes longer than 30 seconds is ended with 503.",
    rule: { allow: "permission", permission: READ, scoped: true },
    query: pageQuery(scopeQuery),
    responses: { 200: { description: "A page of events", body: pageOf(Event).extend({ hints }) } },
    async handle({ query, caller, nowMs, readSignal }) {
      const asking = { signal: readSignal, asker: caller.id };
      const store = forAsker(await stores.get(), asking);
      const scope = await withinScope(store, caller);
      const resolved = await parseLogQuery(query, nowMs, { store, scope });
      const [fromMs, toMs, tMs, id] = decodeCursor(Cursor, query.cursor) ?? [
        resolved.fromMs,
        resolved.toMs,
      ];
      const events = await store.search({
        fromMs,
        toMs,
        where: [...resolved.where, ...scope],
        limit: query.limit + 1,
        ...(tMs === undefined || id === undefined ? {} : { after: { tMs, id } }),
      });
      const page = cutPage(events, query.limit, {
        item: (event) => event,
        cursor: (event) => [fromMs, toMs, timeOf(event), event.id],
      });
      if (query.cursor !== undefined) return { status: 200, body: page };
      const found = await hintsOn({ ...resolved, scope, isEmpty: events.length === 0 }, store);
      return { status: 200, body: { ...page, ...found } };
    },
  });

const timeOf = ({ fields }: EventDocument): number => Date.parse(String(fields["@timestamp"]));

const eventRoute = ({ stores }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/logs/{eventId}",
    operationId: "getLog",
    tag: "Read",
    summary: "Returns an event with all its fields",
    rule: { allow: "permission", permission: READ, scoped: true },
    params: z.strictObject({ eventId: EventId }),
    responses: { 200: { description: "The event", body: Event } },
    async handle({ params, caller, readSignal }) {
      const store = await stores.get();
      const asking = { signal: readSignal, asker: caller.id };
      const event = await store.event(StoredId.parse(params.eventId), asking);
      if (event && isVisible(caller, event.fields)) return { status: 200, body: event };
      throw new AppError("not_found", `There is no event ${params.eventId}.`);
    },
  });
