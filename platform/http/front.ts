import type { Socket } from "node:net";

/** One metric as prom-client's `getMetricsAsJSON` gives it. */
export type MetricJson = {
  name: string;
  help: string;
  type: string;
  aggregator: string;
  values: readonly {
    value: number;
    labels: Readonly<Partial<Record<string, string | number>>>;
    /** Where it is another one's part: `…_bucket`. */
    metricName?: string;
  }[];
};

/** What a worker process has of the process that started it, which listens for all of them. */
export type Front = {
  /** Where it listens. */
  url: string;
  /** Connections that were accepted for this worker come here. */
  onConnection(take: (socket: Socket) => void): void;
  /** How the others ask this worker for its metrics. */
  onMetrics(own: () => Promise<MetricJson[]>): void;
  /** The metrics of all workers, this one included. */
  allMetrics(): Promise<MetricJson[][]>;
};
