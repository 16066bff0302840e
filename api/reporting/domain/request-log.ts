/** Requests of one hour, service, release and bucket of response time, as the access log has them. */
export type RequestCount = {
  hourMs: number;
  service: string;
  release: string;
  /** Of the latency sketch (pipeline/sketches/latency-sketch.ts); null: without a duration. */
  bucket: number | null;
  requests: number;
  errors: number;
};

/** The access log of the services, as the pipeline has it. */
export type RequestLog = {
  /** Time of the oldest and the newest event; undefined while there is none. Epoch ms. */
  extent(): Promise<{ fromMs: number; toMs: number } | undefined>;
  /** All requests of [fromMs, toMs), by hours. */
  requests(range: { fromMs: number; toMs: number }): Promise<RequestCount[]>;
};
