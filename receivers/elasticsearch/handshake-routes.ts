import type { IncomingMessage } from "node:http";

import { z } from "zod";

import type { Route } from "#platform/http/route.ts";

import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { elasticRefusal, elasticResponse } from "./responses.ts";

/** Clients choose their requests by it. */
const VERSION = "8.19.0";
const NAME = "quarterdeck";
const UUID = "cXVhcnRlcmRlY2stMDAwMA";

type Method = "GET" | "PUT" | "POST" | "DELETE";
type Answer = { status?: number; body: unknown };
type Simple = {
  methods: readonly Method[];
  path: string;
  summary: string;
  answer(incoming: IncomingMessage): Answer;
};

const missing = (what: string): Answer => ({
  status: 404,
  body: { error: { type: "resource_not_found_exception", reason: `no such ${what}` }, status: 404 },
});
const acknowledged = (): Answer => ({
  body: { acknowledged: true, shards_acknowledged: true },
});
const refreshed = (): Answer => ({ body: { _shards: { total: 1, successful: 1, failed: 0 } } });

const health = (): Answer => ({
  body: {
    cluster_name: NAME,
    status: "green",
    timed_out: false,
    number_of_nodes: 1,
    number_of_data_nodes: 1,
    active_primary_shards: 1,
    active_shards: 1,
    relocating_shards: 0,
    initializing_shards: 0,
    unassigned_shards: 0,
    delayed_unassigned_shards: 0,
    number_of_pending_tasks: 0,
    number_of_in_flight_fetch: 0,
    task_max_waiting_in_queue_millis: 0,
    active_shards_percent_as_number: 100,
  },
});

/** Clients that look for nodes find the address at which they have found this one. */
const nodes = ({ headers: { host = "localhost" } }: IncomingMessage): Answer => ({
  body: {
    _nodes: { total: 1, successful: 1, failed: 0 },
    cluster_name: NAME,
    nodes: {
      [UUID]: {
        name: NAME,
        transport_address: host,
        host,
        ip: host,
        version: VERSION,
        roles: ["data", "ingest", "master"],
        http: {
          bound_address: [host],
          publish_address: host,
          max_content_length_in_bytes: 2 ** 25,
        },
      },
    },
  },
});

const license = { uid: UUID, type: "basic", mode: "basic", status: "active" };
const available = { available: true, enabled: true };

const info = (): Answer => ({
  body: {
    name: NAME,
    cluster_name: NAME,
    cluster_uuid: UUID,
    version: {
      number: VERSION,
      build_flavor: "default",
      build_type: "tar",
      build_hash: "0000000000000000000000000000000000000000",
      build_date: "2025-01-01T00:00:00.000Z",
      build_snapshot: false,
      lucene_version: "9.12.1",
      minimum_wire_compatibility_version: "7.17.0",
      minimum_index_compatibility_version: "7.0.0",
    },
    tagline: "You Know, for Search",
  },
});

/** What shippers install in Elasticsearch: accepted, because they do not start without it, and ignored. */
const INSTALLED = [
  ["/_index_template/{name}", "index template"],
  ["/_component_template/{name}", "component template"],
  ["/_template/{name}", "template"],
  ["/_ilm/policy/{name}", "lifecycle policy"],
  ["/_ingest/pipeline/{name}", "ingest pipeline"],
  ["/_data_stream/{name}", "data stream"],
  ["/_data_stream/{name}/_lifecycle", "data stream"],
  ["/_alias/{name}", "alias"],
  ["/_scripts/{name}", "script"],
] as const;

const HANDSHAKE: readonly Simple[] = [
  { methods: ["GET"], path: "/", summary: "Returns the version to clients", answer: info },
  ...["/_license", "/_xpack/license"].map((path): Simple => ({
    methods: ["GET"],
    path,
    summary: "Returns a basic license",
    answer: () => ({ body: { license } }),
  })),
  {
    methods: ["GET"],
    path: "/_xpack",
    summary: "Returns the features that clients ask for",
    answer: () => ({ body: { license, features: { ilm: available, security: available } } }),
  },
  ...["/_cluster/health", "/_cluster/health/{name}"].map((path): Simple => ({
    methods: ["GET"],
    path,
    summary: "Returns that the cluster is healthy",
    answer: health,
  })),
  {
    methods: ["GET"],
    path: "/_cluster/settings",
    summary: "Returns that no setting is changed",
    answer: () => ({ body: { persistent: {}, transient: {}, defaults: {} } }),
  },
  ...["/_nodes", "/_nodes/http", "/_nodes/{name}/http"].map((path): Simple => ({
    methods: ["GET"],
    path,
    summary: "Returns this server as the only node",
    answer: nodes,
  })),
  {
    methods: ["GET"],
    path: "/_ilm/status",
    summary: "Returns that lifecycles are managed",
    answer: () => ({ body: { operation_mode: "RUNNING" } }),
  },
  ...["/_refresh", "/{index}/_refresh"].map((path): Simple => ({
    methods: ["GET", "POST"],
    path,
    summary: "Does nothing: events are found a few seconds after they were accepted",
    answer: refreshed,
  })),
  ...INSTALLED.flatMap(([path, what]): Simple[] => [
    {
      methods: ["GET"],
      path,
      summary: `Returns that there is no such ${what}`,
      answer: () => missing(what),
    },
    {
      methods: ["PUT", "POST"],
      path,
      summary: `Accepts and ignores a ${what}`,
      answer: acknowledged,
    },
  ]),
  {
    methods: ["GET"],
    path: "/{index}",
    summary: "Returns that there is no such index",
    answer: () => missing("index"),
  },
  {
    methods: ["PUT"],
    path: "/{index}",
    summary: "Accepts and ignores an index",
    answer: acknowledged,
  },
];

/** The requests that clients of Elasticsearch make before they send events, or to prepare for them. */
export const handshakeRoutes = (): Route<TokenRule>[] =>
  HANDSHAKE.flatMap(({ methods, path, summary, answer }) =>
    methods.map((method) =>
      tokenRoute({
        method,
        path,
        operationId: `elastic${method}${path.replaceAll(/[^\w]/g, "_")}`,
        tag: "Elasticsearch",
        summary,
        rule: { allow: "token" },
        params: z.unknown(),
        query: z.unknown(),
        refusal: elasticRefusal,
        responses: {},
        handle({ incoming }) {
          const { status = 200, body } = answer(incoming);
          return elasticResponse(incoming, body, { status });
        },
      }),
    ),
  );
