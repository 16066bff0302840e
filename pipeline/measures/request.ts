import { FORMATS } from "#collectors/formats/index.ts";

/**
 * What a request is. The fold applies these to columns, and raw aggregates express the same as conditions for the
 * store, so both must change together; run-query.test.ts compares them.
 */

/** Datasets whose every event is a request, even where its status is not known. */
export const ACCESS_DATASETS: readonly string[] = FORMATS.filter(
  ({ requests }) => requests !== "none" && requests !== "mixed",
).map(({ dataset }) => dataset);

/** An event without a status, of another dataset, is a request if it has both. */
export const REQUEST_CATEGORY = "web";
export const REQUEST_TYPE = "access";

/** Statuses from here on are errors; 4xx are the client's. */
export const ERROR_STATUS_MIN = 500;
/** Statuses are below this; a larger number is an unknown status. */
export const STATUS_END = 1000;

export const isError = (status: number): boolean =>
  status >= ERROR_STATUS_MIN && status < STATUS_END;

/** The instance that served a request is named by the first of these that the event has. */
export const INSTANCE_FIELDS = [
  "service.node.name",
  "haproxy.server_name",
  "nginx.upstream.address",
] as const;

/**
 * The instance that a field's value names; empty where it names none. A proxy that retried lists all upstreams that
 * it asked (`a, b : c`): the last one answered.
 */
export function instanceName(value: string): string {
  const last = value.slice(Math.max(value.lastIndexOf(", "), value.lastIndexOf(" : ")) + 1);
  const name = last.replace(/^[:\s]+/, "").trim();
  return name === "-" || name === "<NOSRV>" ? "" : name;
}
