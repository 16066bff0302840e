const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(?:-|$)/;
const ID = /^[\da-f-]{8,36}$/i;
const DECIMAL = /^\d{1,20}$/;
/** Google Cloud writes `projects/NAME/traces/ID`. */
const PATH = /^projects\/[^/]{1,64}\/traces\//;

/** The trace and span of a `traceparent` header (W3C Trace Context); undefined if it is invalid. */
export function parseTraceparent(text: string): { trace: string; span: string } | undefined {
  const [, trace, span] = TRACEPARENT.exec(text.slice(0, 64).toLowerCase()) ?? [];
  if (trace === undefined || span === undefined) return undefined;
  return isZero(trace) || isZero(span) ? undefined : { trace, span };
}

/** The id of a trace or span; undefined if the value is none, or the id of no trace, which has zeros only. */
export function traceId(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const id = value.replace(PATH, "");
  return (ID.test(id) || DECIMAL.test(id)) && !isZero(id) ? id : undefined;
}

const isZero = (id: string): boolean => /^[0-]*$/.test(id);
