/** Requests of one hour, service, release and response-time bucket, from the access log. */
export type RequestCount = {
  hourMs: number;
  service: string;
  release: string;
  /** Bucket of the latency sketch (pipeline/sketches/latency-sketch.ts); null: without a duration. */
  bucket: number | null;
  requests: number;
  errors: number;
};

/** The access log of the services, read from the pipeline. */
export type RequestLog = {
  /** Time of the oldest and the newest event; undefined while there is none. Epoch ms. */
  extent(): Promise<{ fromMs: number; toMs: number } | undefined>;
  /** All requests of [fromMs, toMs), by hour. */
  requests(range: { fromMs: number; toMs: number }): Promise<RequestCount[]>;
};
