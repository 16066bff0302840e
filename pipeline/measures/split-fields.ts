import { instanceName, STATUS_END } from "./request.ts";

/** Fields by which rollup cells are split. */
export const DATASET = "data_stream.dataset";
export const STATUS = "http.response.status_code";
export const ROUTE = "http.route";
export const LEVEL = "log.level";
/** Splitting by this field splits by instance, whichever field has the instance. */
export const INSTANCE = "service.node.name";

/** The series of events with an unknown status or level. */
const UNKNOWN = "unknown";

/** The series of a value of the split, equal for cells and raw events; empty if there is none. */
export function seriesKey(field: string, value: string | null): string {
  if (field === STATUS) return value && Number(value) < STATUS_END ? value : UNKNOWN;
  if (field === LEVEL) return value || UNKNOWN;
  return field === INSTANCE ? instanceName(value ?? "") : (value ?? "");
}
