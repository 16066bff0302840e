import type { ServiceName } from "#api/kit/service.ts";
import type { MetricJson } from "#platform/http/front.ts";

/** What the process that listens says to a worker; a connection comes with its socket. */
export type ToWorker =
  | { type: "connection"; id: number }
  | { type: "say_metrics"; id: number }
  | { type: "all_metrics"; id: number; all: MetricJson[][] }
  | { type: "are_you_there" }
  | { type: "stop" }
  | Wrote;

/** What a worker says. */
export type FromWorker =
  | { type: "ready" }
  | { type: "here" }
  /** It cannot start; `message` is for people. */
  | { type: "failed"; message: string }
  /** The connection is its own now: from here on it is lost with the worker. */
  | { type: "taken"; id: number }
  /** It ends and does not take the connection: another worker may. */
  | { type: "refused"; id: number }
  /** It stops by itself: no more connections for it. */
  | { type: "leaving" }
  /** Its own; without being asked (0) as the last thing before it ends. */
  | { type: "metrics"; id: number; metrics: MetricJson[] }
  | { type: "want_all_metrics"; id: number }
  | Wrote;

/** The last write of a caller: the other workers must not show that caller anything older (platform/postgres/last-writes.ts). */
type Wrote = { type: "wrote"; caller: string; lsn: string };

/** What a worker is, handed over in its arguments: `url` is where its connections come in. */
export type WorkerTask = { service: ServiceName; url: string };
