import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { originalLines } from "#pipeline/original-lines.ts";
import { AppError } from "#platform/errors.ts";
import type { Route } from "#platform/http/route.ts";

import {
  type EventRoutesDeps,
  FOLLOW_EVENTS,
  parseEventId,
  parseSearch,
  Search,
} from "./events.ts";

const MEDIA = "application/octet-stream";

/** Original lines, byte for byte: they are raw events, so they require the same capability. */
export const originalRoutes = (deps: EventRoutesDeps): Route<MemberRule>[] => [
  originalRoute(deps),
  originalsRoute(deps),
];

const originalRoute = ({ workspace }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/event/original",
    operationId: "getOriginal",
    tag: "Events",
    summary: "Returns the original line of an event, byte for byte",
    description:
      "Without its LF. 404 if the event has no original line: it was stored by a version that did not keep it. That of a pushed event is the JSON document as it was sent, unless the sender named another one in `event.original`; of an OTLP record it is the record as JSON.",
    rule: FOLLOW_EVENTS,
    query: z.strictObject({ id: z.string().max(500) }),
    responses: { 200: { description: "The line", media: MEDIA } },
    async handle({ query, caller, signal }) {
      const id = parseEventId(query.id, "id");
      const line = await workspace().store.original(id, { signal, asker: caller.id });
      if (line === undefined) throw new AppError("not_found", `there is no event ${id}`);
      if (line === null) throw new AppError("not_found", `the event ${id} has no original line`);
      return new Response(new Uint8Array(line), { headers: headersFor("event.log") });
    },
  });

const originalsRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events/original",
    operationId: "exportOriginals",
    tag: "Events",
    summary: "Streams the original lines of a search, byte for byte, oldest first",
    description:
      "Each line ends with LF; a CR before it is part of the line. Events without an original line are left out. If a read fails after the first lines were sent, the connection is closed before the end.",
    rule: FOLLOW_EVENTS,
    query: Search,
    responses: { 200: { description: "The lines", media: MEDIA } },
    async handle({ query, caller, signal }) {
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const { fromMs, toMs, where } = await parseSearch(query, store, clock);
      const pages = originalLines(store, { fromMs, toMs, where });
      // Read before the status is sent, so that a search that fails is answered with its problem.
      let next: Promise<Page> | undefined = Promise.resolve(await pages.next());
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const page = await (next ?? pages.next());
            next = undefined;
            if (page.done) controller.close();
            else controller.enqueue(page.value.bytes);
          },
          cancel: async () => void (await pages.return(undefined)),
        },
        { highWaterMark: 1 },
      );
      return new Response(body, { headers: headersFor("events.log") });
    },
  });

type Page = IteratorResult<{ bytes: Buffer }>;

const headersFor = (name: string): Record<string, string> => ({
  "content-type": MEDIA,
  "content-disposition": `attachment; filename="${name}"`,
  "cache-control": "no-store",
});
