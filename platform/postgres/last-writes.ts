import { z } from "zod";

/**
 * Position of the last write of each caller in the write-ahead log: no read may show that caller anything older. The
 * worker processes of an instance share it; a client that may reach another instance sends the `read-after` header that
 * it was given.
 */
export type LastWrites = {
  of(caller: string): string | undefined;
  remember(caller: string, lsn: string): void;
};

/** A replica that lags by more than this counts as stale anyway (replica-lag.ts). */
const KEEP_MS = 15_000;
const CALLERS_MAX = 10_000;

const LastWrite = z.object({ type: z.literal("last_write"), caller: z.string(), lsn: z.string() });
/** Sent by a worker process that wrote, and forwarded to the other workers. */
export type LastWrite = z.infer<typeof LastWrite>;

const keepers = new Set<(caller: string, lsn: string) => void>();
process.on("message", (message) => {
  const parsed = LastWrite.safeParse(message);
  if (parsed.success) for (const keep of keepers) keep(parsed.data.caller, parsed.data.lsn);
});

export function createLastWrites(): LastWrites {
  const writes = new Map<string, { lsn: string; atMs: number }>();
  const keep = (caller: string, lsn: string): void => {
    writes.delete(caller);
    writes.set(caller, { lsn, atMs: performance.now() });
    const [oldest] = writes.keys();
    if (writes.size > CALLERS_MAX && oldest !== undefined) writes.delete(oldest);
  };
  keepers.add(keep);
  return {
    of(caller) {
      const write = writes.get(caller);
      if (write === undefined || performance.now() - write.atMs > KEEP_MS) return undefined;
      return write.lsn;
    },
    remember(caller, lsn) {
      keep(caller, lsn);
      const message: LastWrite = { type: "last_write", caller, lsn };
      if (process.connected) process.send?.(message);
    },
  };
}
