import { createHash } from "node:crypto";

import { z } from "zod";

import { mediaTypeOf } from "#platform/http/encoded-body.ts";
import type { ProblemBody } from "#platform/http/problem.ts";
import type { Route } from "#platform/http/route.ts";

import type { Delivery } from "../delivery/delivery.ts";
import { beginDelivery, type PushDeps, BODY_BYTES_MAX } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { fieldsOfLabels, type Labels, unreadDataset } from "./labels.ts";
import { type LokiEntry, streamsInJson, streamsInProtobuf } from "./push-request.ts";

const PROTOBUF_TYPE = "application/x-protobuf";
const NS_PER_MS = 1_000_000n;
/** The end of the year 9999. */
const NS_MAX = 253_402_300_800_000n * NS_PER_MS;
const TEXT = "text/plain; charset=utf-8";

const lokiRefusal = ({ detail }: ProblemBody) => ({
  media: TEXT,
  bytes: new TextEncoder().encode(`${detail}\n`),
});

/** Requests of Promtail, Alloy, Fluent Bit and client libraries for Loki. */
export const lokiRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  ...["/loki/api/v1/push", "/api/prom/push"].map((path, n) =>
    tokenRoute({
      method: "POST",
      path,
      operationId: `lokiPush${n + 1}`,
      tag: "Loki",
      summary: "Accepts streams as Loki does",
      description:
        "Protobuf in a snappy block, or JSON. Labels become fields. The same line with the same time and labels is kept once, as in Loki.",
      rule: { allow: "token" },
      query: z.unknown(),
      consumes: [PROTOBUF_TYPE, "application/json"],
      refusal: lokiRefusal,
      responses: { 204: { description: "All lines are kept" } },
      async handle(call) {
        using received = await beginDelivery(deps, "loki", call);
        const { body, delivery } = received;
        const isJson = mediaTypeOf(call.incoming) === "application/json";
        const streams = isJson ? streamsInJson(body) : streamsInProtobuf(body, BODY_BYTES_MAX);
        for (const { labels, entries } of streams) addStream(delivery, labels, entries);
        delivery.requireAll();
        await delivery.send();
        return { status: 204 };
      },
    }),
  ),
  tokenRoute({
    method: "GET",
    path: "/ready",
    operationId: "lokiReady",
    tag: "Loki",
    summary: "Returns whether lines can be accepted now",
    rule: { allow: "anyone", why: "clients ask before they have a token, and it reveals nothing" },
    query: z.unknown(),
    responses: {},
    async handle() {
      await deps.bus.check();
      return new Response("ready\n", { headers: { "content-type": TEXT } });
    },
  }),
];

function addStream(delivery: Delivery, labels: Labels, entries: readonly LokiEntry[]): void {
  const fields = fieldsOfLabels(labels);
  const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const names = { stream: key.slice(1, 200), unread: unreadDataset(labels) };
  for (const { ns, line, metadata } of entries) {
    const document: Record<string, unknown> = {
      ...fieldsOfLabels(metadata),
      ...fields,
      message: line,
    };
    const hasTime = ns > 0n && ns < NS_MAX;
    if (hasTime) document["@timestamp"] = new Date(Number(ns / NS_PER_MS)).toISOString();
    const content = `${key}\n${ns}\n${JSON.stringify(metadata)}\n${line}`;
    const hash = createHash("sha256").update(content).digest("base64url");
    const identity = hasTime ? { group: "loki", key: hash.slice(0, 22) } : undefined;
    const bytes = Buffer.from(JSON.stringify(document));
    delivery.addDocument(bytes, document, { ...names, identity });
  }
}
