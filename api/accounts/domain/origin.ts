/** Where and when a request was made, as recorded by sessions and the audit trail. */
export type Origin = { address: string; userAgent: string; traceId: string; nowMs: number };
