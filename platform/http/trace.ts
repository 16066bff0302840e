import { randomBytes } from "node:crypto";

/** W3C Trace Context: the trace id, and the id of the caller's span. */
export type Trace = { traceId: string; parentId: string | undefined };

const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-|$)/;
const POOL_BYTES = 4_096;

/** The trace of a `traceparent` header; a new one if it is absent or invalid. */
export function traceOf(traceparent: string | undefined): Trace {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match?.[1] === undefined) return { traceId: randomHex(32), parentId: undefined };
  return { traceId: match[1], parentId: match[2] };
}

/** A new span id. */
export const newSpanId = (): string => randomHex(16);

const pool = { hex: "", next: 0 };

/** Random bytes are generated for many requests at once. */
function randomHex(length: number): string {
  if (pool.next + length > pool.hex.length) {
    pool.hex = randomBytes(POOL_BYTES).toString("hex");
    pool.next = 0;
  }
  const at = pool.next;
  pool.next += length;
  return pool.hex.slice(at, pool.next);
}
