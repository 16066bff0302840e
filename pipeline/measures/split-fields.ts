import { instanceName, STATUS_END } from "./request.ts";

/** Fields that rollup cells keep apart. */
export const DATASET = "data_stream.dataset";
export const STATUS = "http.response.status_code";
export const ROUTE = "http.route";
export const LEVEL = "log.level";
/** Splitting by it splits by the instance, whichever field names it. */
export const INSTANCE = "service.node.name";

/** The series of events whose status or level is not known. */
const UNKNOWN = "unknown";

/** The series that a value of the split belongs to, the same from cells and from raw events; empty: none. */
export function seriesKey(field: string, value: string | null): string {
  if (field === STATUS) return value && Number(value) < STATUS_END ? value : UNKNOWN;
  if (field === LEVEL) return value || UNKNOWN;
  return field === INSTANCE ? instanceName(value ?? "") : (value ?? "");
}
