/** One metric in the form of prom-client's `getMetricsAsJSON`. */
export type MetricJson = {
  name: string;
  help: string;
  type: string;
  aggregator: string;
  values: readonly {
    value: number;
    labels: Readonly<Partial<Record<string, string | number>>>;
    /** Set if the value belongs to a part of the metric: `…_bucket`. */
    metricName?: string;
  }[];
};
