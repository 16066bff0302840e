import { z } from "zod";

/**
 * The position of each caller's last write in the write-ahead log: the caller's reads must not be older. The worker
 * processes of an instance share it; clients that may reach another instance send back the `read-after` header that
 * they received.
 */
export type LastWrites = {
  of(caller: string): string | undefined;
  remember(caller: string, lsn: string): void;
};

/** A replica with a larger lag counts as stale anyway (replica-lag.ts). */
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
