import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import type { Caller } from "#platform/http/caller.ts";
import { TooManyRequests } from "#platform/http/rate-limit.ts";
import { type Route, route } from "#platform/http/route.ts";

import { type Watched, watch } from "../commands/watch.ts";
import { READ, type RouteDeps, byOf, checkIn } from "./access.ts";
import { factsOf } from "./history.ts";
import { ApplicationName, Place } from "./wire.ts";

/** All instances of an application are one caller, because they share a key. */
const STREAMS_OF_CALLER_MAX = 100;
const STREAMS_MAX = 1_000;
const RETRY_MS = 1_000;

/** Server-sent events of the changes of an application. */
export function watchRoute(deps: RouteDeps): Route {
  const { kit, store } = deps;
  const open = new Map<string, number>();
  return route({
    method: "GET",
    path: "/v1/watch",
    operationId: "watchSettings",
    tag: "Watch",
    summary: "Streams the changes of an application as server-sent events",
    description: `The first event is \`ready\` with the revision that the stream starts after, followed by a \`revision\` event for each change at the place: its id is the revision's number, its data has who, when, why and the changes. Reconnecting with Last-Event-ID (as browsers do) misses and repeats no revision. A comment \`: alive\` is sent after 15 s without events. The stream ends when its token expires. Limit: ${STREAMS_OF_CALLER_MAX} streams per caller and process.`,
    rule: { allow: "permission", permission: READ, scoped: true },
    query: z.strictObject({ application: ApplicationName, ...Place }),
    responses: { 200: { description: "The stream", media: "text/event-stream" } },
    async handle({ query: { application, ...place }, caller, incoming, signal }) {
      checkIn(caller, READ, application);
      const seen = lastEventId(incoming.headers["last-event-id"]);
      const current = await store.peek(application, { version: seen ?? 0 });
      if (!current) throw new AppError("not_found", `There is no application ${application}.`);
      const after = seen ?? current.version;
      if (after > current.version) {
        throw new AppError(
          "bad_request",
          `Last-Event-ID: the last revision of ${application} is ${current.version}.`,
        );
      }
      const release = takeStream(open, caller);
      const left = new AbortController();
      const events = watch(
        { store, wakeUps: deps.wakeUps, database: kit.database },
        { application, after, place, signal: AbortSignal.any([signal, left.signal]) },
      );
      return new Response(streamOf({ events, after, left, release }), {
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        },
      });
    },
  });
}

/** @throws AppError bad_request */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && /^\d{1,10}$/.test(header)) return Number(header);
  throw new AppError("bad_request", "Last-Event-ID: give the id of an event of this stream.");
}

/** Counts the stream; returns a function that releases it. @throws TooManyRequests */
function takeStream(open: Map<string, number>, caller: Caller): () => void {
  const who = byOf(caller);
  const count = open.get(who) ?? 0;
  const all = [...open.values()].reduce((sum, it) => sum + it, 0);
  if (count >= STREAMS_OF_CALLER_MAX || all >= STREAMS_MAX) throw new TooManyRequests(RETRY_MS);
  open.set(who, count + 1);
  let ended = false;
  return () => {
    const left = (open.get(who) ?? 1) - 1;
    if (!ended && left > 0) open.set(who, left);
    if (!ended && left <= 0) open.delete(who);
    ended = true;
  };
}

type Stream = {
  events: AsyncGenerator<Watched>;
  after: number;
  /** Aborted when the client disconnects. */
  left: AbortController;
  release(): void;
};

/** Pulls the next event only after the last one was sent, so that a slow client does not fill memory. */
function streamOf({ events, after, left, release }: Stream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const ready = `retry: ${RETRY_MS}\nid: ${after}\nevent: ready\ndata: {"revision":${after}}\n\n`;
      controller.enqueue(encoder.encode(ready));
    },
    async pull(controller) {
      try {
        const next = await events.next();
        if (!next.done) return controller.enqueue(encoder.encode(textOf(next.value)));
        release();
        controller.close();
      } catch (error) {
        // The database is unavailable: the client reconnects with Last-Event-ID.
        release();
        controller.error(error);
      }
    },
    async cancel() {
      release();
      left.abort();
      await events.return(undefined);
    },
  });
}

function textOf(watched: Watched): string {
  // An id without data advances Last-Event-ID without dispatching an event.
  if (watched.type === "quiet") return `: alive\nid: ${watched.after}\n\n`;
  const { revision, changes } = watched;
  const data = JSON.stringify({ ...factsOf(revision), changes });
  return `id: ${revision.revision}\nevent: revision\ndata: ${data}\n\n`;
}
