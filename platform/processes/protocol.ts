import type { MetricJson } from "../metrics/metric-json.ts";
import type { LastWrite } from "../postgres/last-writes.ts";

/** Messages of the supervisor to a worker; `connection` comes with its socket. */
export type ToWorker =
  | { type: "connection"; id: number }
  | { type: "ping" }
  | { type: "metrics_request"; id: number }
  | { type: "all_metrics"; id: number; all: MetricJson[][] }
  | { type: "stop" }
  | LastWrite;

/** Messages of a worker to its supervisor. */
export type FromWorker =
  | { type: "ready" }
  | { type: "pong" }
  /** The worker cannot start; `message` is shown to people. */
  | { type: "failed"; message: string }
  /** The worker owns the connection from here on: it is lost when the worker dies. */
  | { type: "connection_accepted"; id: number }
  /** The worker is stopping: another one can take the connection. */
  | { type: "connection_rejected"; id: number }
  /** The worker stops by itself and must get no more connections. */
  | { type: "stopping" }
  /** Metrics of this worker; `id` of the request, or 0 for the final ones before it exits. */
  | { type: "metrics"; id: number; metrics: MetricJson[] }
  | { type: "all_metrics_request"; id: number }
  /** Forwarded to the other workers. */
  | LastWrite;
