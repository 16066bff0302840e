import { FORMATS } from "#collectors/formats/index.ts";

/**
 * The definition of a request. The fold applies it to columns, and raw aggregates express the same as conditions for
 * the store, so both must change together; run-query.test.ts compares them.
 */

/** Datasets in which every event is a request, even with an unknown status. */
export const ACCESS_DATASETS: readonly string[] = accessFormats(false);

/** Datasets in which every event is a request, except those without a status and with another `event.type`. */
export const TYPED_ACCESS_DATASETS: readonly string[] = accessFormats(true);

function accessFormats(hasOtherEvents: boolean): string[] {
  return FORMATS.filter(({ requests }) => requests !== "none" && requests !== "mixed")
    .filter((format) => (format.hasOtherEvents === true) === hasOtherEvents)
    .map(({ dataset }) => dataset);
}

/** An event of another dataset without a status is a request if it has both. */
export const REQUEST_CATEGORY = "web";
export const REQUEST_TYPE = "access";

/** Statuses from here on are errors of the client, and from the second one on errors of the server. */
export const CLIENT_ERROR_STATUS_MIN = 400;
export const ERROR_STATUS_MIN = 500;
/** Statuses are below this; a larger number is an unknown status. */
export const STATUS_END = 1000;

export const isError = (status: number): boolean =>
  status >= ERROR_STATUS_MIN && status < STATUS_END;

export const isClientError = (status: number): boolean =>
  status >= CLIENT_ERROR_STATUS_MIN && status < ERROR_STATUS_MIN;

/** The first of these fields that an event has names the instance that served the request. */
export const INSTANCE_FIELDS = [
  "service.node.name",
  "haproxy.server_name",
  "nginx.upstream.address",
] as const;

/**
 * The instance in a field's value; empty if there is none. A proxy that retried lists all upstreams that it tried
 * (`a, b : c`), of which the last one answered.
 */
export function instanceName(value: string): string {
  const last = value.slice(Math.max(value.lastIndexOf(", "), value.lastIndexOf(" : ")) + 1);
  const name = last.replace(/^[:\s]+/, "").trim();
  return name === "-" || name === "<NOSRV>" ? "" : name;
}
