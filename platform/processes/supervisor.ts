import type { Socket } from "node:net";

import type { MetricJson } from "../metrics/metric-json.ts";

/** The process that started a worker and listens on the port for all workers, as seen by the worker. */
export type Supervisor = {
  /** The address that it listens on. */
  url: string;
  /** Registers the receiver of the connections that are dispatched to this worker. */
  onConnection(accept: (socket: Socket) => void): void;
  /** Registers where the metrics of this worker are read. */
  onMetrics(own: () => Promise<MetricJson[]>): void;
  /** The metrics of all workers, including this one. */
  allMetrics(): Promise<MetricJson[][]>;
};
