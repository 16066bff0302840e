import { z } from "zod";

/**
 * Up to where the write-ahead log goes that each caller must see: its own last write. The worker processes of an
 * instance tell each other; a client that may meet another instance sends the `read-after` header that it was given.
 */
export type LastWrites = {
  of(caller: string): string | undefined;
  remember(caller: string, lsn: string): void;
};

/** A replica that is further behind than this counts as stale anyway (replica-lag.ts). */
const KEEP_MS = 15_000;
const CALLERS_MAX = 10_000;

const Told = z.object({ type: z.literal("wrote"), caller: z.string(), lsn: z.string() });

const keepers = new Set<(caller: string, lsn: string) => void>();
process.on("message", (message) => {
  const told = Told.safeParse(message);
  if (told.success) for (const keep of keepers) keep(told.data.caller, told.data.lsn);
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
      // The master hands it on to the other workers.
      if (process.connected) process.send?.({ type: "wrote", caller, lsn });
    },
  };
}
