import { FORMATS } from "#collectors/formats/index.ts";

export { SIGN_IN, SIGN_OUT } from "#collectors/derive/sign-actions.ts";

/**
 * What counts as what. The row reader applies these to columns, and the metric planner says the same to the store
 * in conditions, so both must change together; `planner.test.ts` holds them to each other.
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
/** Statuses are below this; a larger number is a status that nobody knows. */
export const STATUS_END = 1000;

/** A visitor is the first of these that the event has, else the address together with the user agent. */
export const VISITOR_FIELDS = ["user.id", "user.name", "session.id"] as const;
export const VISITOR_FALLBACK = ["source.address", "user_agent.original"] as const;

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
