/**
 * The rollup: what one-second frames fold into, kept for a minute and for an hour. Every measure is mergeable:
 * values add up, but for `users`, whose sketches merge by their own rule.
 */
export const ROLLUP_LEVELS_S = [60, 3600] as const;
export type RollupLevelS = (typeof ROLLUP_LEVELS_S)[number];

/**
 * measure      key                                   value
 * requests     response status code ("" unknown)     requests
 * bytes        ""                                    response body bytes
 * latency      number of a latency sketch's bucket   requests (response time known)
 * users        ""                                    0; the sketch of distinct visitors is in `sketch`
 * sign-in      ""                                    sign-ins
 * sign-out     ""                                    sign-outs
 * instance     name of an instance that served       requests
 * cache        hit | miss | pass | …                 requests
 * events       log.level ("" unknown)                events that are not requests
 * route        "status-class route" ("2xx /a/{id}")  requests; only at the level of an hour
 */
export const MEASURES = [
  "requests",
  "bytes",
  "latency",
  "users",
  "sign-in",
  "sign-out",
  "instance",
  "cache",
  "events",
  "route",
] as const;
export type Measure = (typeof MEASURES)[number];

export type RollupCell = {
  levelS: RollupLevelS;
  /** Start of the minute or hour, epoch seconds. */
  t: number;
  dataset: string;
  measure: Measure;
  key: string;
  value: number;
  sketch?: Uint8Array;
};
