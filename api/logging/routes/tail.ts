import { z } from "zod";

import { forAsker } from "#pipeline/for-asker.ts";
import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";

import type { Deps } from "../commands/deps.ts";
import { followLogs, type Message } from "../commands/follow-logs.ts";
import { READ, withinScope } from "../commands/read-scope.ts";
import { filterOf } from "./range.ts";
import { EventId, scopeQuery } from "./schemas.ts";

const VIEWERS_MAX = 1_000;
const HEARTBEAT_MS = 15_000;

/** Server-sent events of the HTML standard. */
export const tailRoute = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/tail",
    operationId: "tailLogs",
    tag: "Read",
    summary: "Streams new events as server-sent events",
    description: `Each event is sent as \`log\` with its id, a few seconds after it was pushed. A reader that reconnects with Last-Event-ID first gets the events newer than that one. \`skipped\` has the number of events in the caller's datasets that were skipped in a burst; a reader that is too slow gets \`dropped\` and is disconnected. A comment is sent every ${HEARTBEAT_MS / 1_000} seconds. The stream ends when the token expires: reconnect with a new one.`,
    rule: { allow: "permission", permission: READ, scoped: true },
    query: z.strictObject({ q: scopeQuery.q }),
    limit: { burst: 60, perMinute: 60 },
    responses: { 200: { description: "The stream", media: "text/event-stream" } },
    async handle({ query, caller, incoming, nowMs, signal }) {
      const store = forAsker(await deps.stores.get(), { signal, asker: caller.id });
      const scope = await withinScope(store, caller);
      const where = await filterOf(query.q, { store, scope });
      if (deps.tails.viewers >= VIEWERS_MAX) {
        throw new AppError("unavailable", "Too many clients follow new logs already.", {
          waitMs: 10_000,
        });
      }
      const header = incoming.headers["last-event-id"];
      const after = header === undefined ? undefined : lastEventId(header);
      const messages = await followLogs(deps, { where, caller, after, nowMs, signal });
      return new Response(streamOf(messages, HEARTBEAT_MS), {
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        },
      });
    },
  });

function lastEventId(header: string | string[]): string {
  const parsed = EventId.safeParse(Array.isArray(header) ? header[0] : header);
  if (parsed.success) return parsed.data;
  const message = "this is not an event id: send an id from the stream, or omit the header";
  throw new AppError("bad_request", `Last-Event-ID: ${message}`, {
    fields: [{ path: "header.Last-Event-ID", code: "invalid", message }],
  });
}

/** Writes one message at a time as the reader can take it, and a comment as heartbeat. */
function streamOf(messages: AsyncIterator<Message>, heartbeatMs: number): ReadableStream {
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<Message>> | undefined;
  return new ReadableStream(
    {
      start: (controller) => controller.enqueue(encoder.encode(": following\n\n")),
      async pull(controller) {
        pending ??= messages.next();
        const { promise: quiet, resolve } = Promise.withResolvers<undefined>();
        const timer = setTimeout(() => resolve(undefined), heartbeatMs);
        const next = await Promise.race([pending, quiet]);
        clearTimeout(timer);
        if (next === undefined) return controller.enqueue(encoder.encode(":\n\n"));
        pending = undefined;
        if (next.done) return controller.close();
        controller.enqueue(encoder.encode(textOf(next.value)));
      },
      cancel: async () => void (await messages.return?.()),
    },
    { highWaterMark: 1 },
  );
}

const textOf = ({ id, event, data }: Message): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
