import { z } from "zod";

import { eachLine } from "#collectors/lines.ts";
import type { ProblemBody } from "#platform/http/problem.ts";
import { type Route } from "#platform/http/route.ts";

import type { Delivery } from "../delivery/delivery.ts";
import { DOCUMENT_BYTES_MAX, type Refusal } from "../delivery/document.ts";
import { beginDelivery, type PushDeps, BODY_BYTES_MAX } from "../http/deliver.ts";
import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { jsonObjects } from "./json-stream.ts";
import { originOf, splunkDocument, streamOf, unreadDataset } from "./splunk-event.ts";

const JSON_TYPE = "application/json";
const CHANNEL = "x-splunk-request-channel";

/** Texts of Splunk's codes. */
const CODES: Readonly<Record<number, { status: number; text: string }>> = {
  0: { status: 200, text: "Success" },
  5: { status: 400, text: "No data" },
  6: { status: 400, text: "Invalid data format" },
  7: { status: 400, text: "Incorrect index" },
  10: { status: 400, text: "Data channel is missing" },
  12: { status: 400, text: "Event field is required" },
  13: { status: 400, text: "Event field cannot be blank" },
};

const answer = (code: number, more: Record<string, unknown> = {}): Response => {
  const { status, text } = CODES[code] ?? { status: 500, text: "Internal server error" };
  return json(status, { text, code, ...more });
};

const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": JSON_TYPE } });

/** Splunk's codes of rejections by status. */
const REJECTIONS: Readonly<Record<number, number>> = {
  401: 4,
  403: 4,
  429: 9,
  503: 9,
  413: 6,
  400: 6,
};

function splunkRefusal({ status, detail }: ProblemBody): {
  media: string;
  bytes: Uint8Array<ArrayBuffer>;
} {
  const body = { text: detail, code: REJECTIONS[status] ?? 8 };
  return { media: JSON_TYPE, bytes: new TextEncoder().encode(JSON.stringify(body)) };
}

const Query = z.looseObject({
  channel: z.string().max(100).optional(),
  host: z.string().max(500).optional(),
  source: z.string().max(500).optional(),
  sourcetype: z.string().max(500).optional(),
  index: z.string().max(500).optional(),
});
type Query = z.output<typeof Query>;

const ABOUT = {
  tag: "Splunk",
  rule: { allow: "token" },
  query: Query,
  refusal: splunkRefusal,
  responses: {},
} as const;

/** Paths of the versions of the protocol. */
const paths = (path: string): [path: string, suffix: string][] => [
  [path, ""],
  [`${path}/1.0`, "V1"],
];

/** The HTTP event collector. Events are acknowledged when they are on disk, so every acknowledgement that is asked for is given. */
export const splunkRoutes = (deps: PushDeps): Route<TokenRule>[] => [
  ...["/services/collector", "/services/collector/event"].flatMap((path, n) =>
    paths(path).map(([versioned, suffix]) => eventRoute(deps, versioned, `${n}${suffix}`)),
  ),
  ...paths("/services/collector/raw").map(([path, suffix]) => rawRoute(deps, path, suffix)),
  ackRoute(),
  ...paths("/services/collector/health").map(([path, suffix]) => healthRoute(deps, path, suffix)),
];

const eventRoute = (deps: PushDeps, path: string, suffix: string): Route<TokenRule> =>
  tokenRoute({
    ...ABOUT,
    method: "POST",
    path,
    operationId: `splunkEvents${suffix}`,
    summary: "Accepts events of Splunk's HTTP event collector",
    description: `JSON objects one after the other, of at most ${BODY_BYTES_MAX} bytes. All events of a request are kept or none.`,
    consumes: [JSON_TYPE],
    async handle(call) {
      using received = await beginDelivery(deps, "splunk", call);
      const { body, delivery } = received;
      let number = 0;
      for (const event of jsonObjects(body)) {
        const code = "reason" in event ? 6 : addEvent(delivery, { ...call.query, ...event.object });
        if (code !== 0) return answer(code, { "invalid-event-number": number });
        number += 1;
      }
      if (number === 0) return answer(5);
      await delivery.send();
      return accepted(call);
    },
  });

/** Adds an event, and returns Splunk's code. */
function addEvent(delivery: Delivery, event: Record<string, unknown>): number {
  const read = splunkDocument(event);
  if (!read.ok) return read.code;
  const line = Buffer.from(JSON.stringify(read.document));
  if (line.length > DOCUMENT_BYTES_MAX) return 6;
  const names = { stream: streamOf(event), unread: unreadDataset(event) };
  return codeOf(delivery.addDocument(line, read.document, names));
}

const codeOf = (added: Refusal | "repeated" | undefined): number =>
  added === undefined || added === "repeated" ? 0 : 7;

const rawRoute = (deps: PushDeps, path: string, suffix: string): Route<TokenRule> =>
  tokenRoute({
    ...ABOUT,
    method: "POST",
    path,
    operationId: `splunkRaw${suffix}`,
    summary: "Accepts lines as Splunk's HTTP event collector",
    description:
      "The lines of any log. Host, source, source type and index are parameters; without a channel the events are accepted too.",
    consumes: ["text/plain"],
    async handle(call) {
      using received = await beginDelivery(deps, "splunk", call);
      const { body, delivery } = received;
      let lines = 0;
      eachLine({ bytes: body }, () => {
        lines += 1;
      });
      if (lines === 0) return answer(5);
      const { query } = call;
      const names = { stream: streamOf(query), unread: unreadDataset(query) };
      if (delivery.addLines({ text: body, count: lines, fields: originOf(query) }, names))
        return answer(7);
      await delivery.send();
      return accepted(call);
    },
  });

type Channel = {
  query: Query;
  incoming: { headers: Record<string, string | string[] | undefined> };
};
let acknowledgements = 0;

/** With a channel the sender may ask later whether its events were kept. */
function accepted({ query, incoming }: Channel): Response {
  if (query.channel === undefined && incoming.headers[CHANNEL] === undefined) return answer(0);
  acknowledgements += 1;
  return answer(0, { ackId: acknowledgements });
}

const ackRoute = (): Route<TokenRule> =>
  tokenRoute({
    ...ABOUT,
    method: "POST",
    path: "/services/collector/ack",
    operationId: "splunkAcknowledgements",
    summary: "Returns that accepted events are kept, as they are on disk when they are accepted",
    body: z.looseObject({ acks: z.array(z.int()).max(100_000) }),
    handle({ body, query, incoming }) {
      if (query.channel === undefined && incoming.headers[CHANNEL] === undefined) return answer(10);
      return json(200, { acks: Object.fromEntries(body.acks.map((id) => [id, true])) });
    },
  });

const healthRoute = (deps: PushDeps, path: string, suffix: string): Route<TokenRule> =>
  tokenRoute({
    method: "GET",
    path,
    operationId: `splunkHealth${suffix}`,
    tag: "Splunk",
    summary: "Returns whether events can be accepted now",
    rule: { allow: "anyone", why: "load balancers have no token, and it reveals nothing else" },
    query: z.unknown(),
    responses: {},
    async handle() {
      try {
        await deps.bus.check();
      } catch {
        return json(503, { text: "HEC is unhealthy, queues are full", code: 18 });
      }
      return json(200, { text: "HEC is healthy", code: 17 });
    },
  });
