import { randomBytes } from "node:crypto";

/** W3C Trace Context: the id of the whole, and that of the caller's part of it. */
export type Trace = { traceId: string; parentId: string | undefined };

const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-|$)/;

/** The trace of a request: the one that its `traceparent` names, else a new one. A broken header counts as none. */
export function traceOf(traceparent: string | undefined): Trace {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match?.[1] === undefined)
    return { traceId: randomBytes(16).toString("hex"), parentId: undefined };
  return { traceId: match[1], parentId: match[2] };
}
