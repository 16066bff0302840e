/** Where a request came from: what sessions, throttles and the audit trail keep of it. */
export type Origin = { address: string; userAgent: string; traceId: string; nowMs: number };
