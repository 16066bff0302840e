import { z } from "zod";

import type { Database, Queryable } from "../postgres/database.ts";
import type { JobHandlers, JobRun, Jobs } from "./jobs.ts";

/** Something that is done again and again, by one process at a time. */
export type Chain = { everyMs: number; work(run: JobRun): Promise<"again" | "done"> };

type ChainDeps = { database: Database; jobs: Jobs };
const Payload = z.object({ slot: z.number(), turn: z.number() });

/**
 * Chains of jobs: each works and then promises the next one, so that one that takes long is not joined by others that do
 * the same beside it and keep runs and schedules waiting. A job whose process dies is done again. Slots of time are the
 * jobs' keys, so that however many processes begin a chain, there is one.
 */
export function chainHandlers(
  deps: ChainDeps,
  chains: Readonly<Record<string, Chain>>,
): JobHandlers {
  return Object.fromEntries(
    Object.entries(chains).map(([kind, chain]) => [
      kind,
      async (run: JobRun) => {
        const { slot, turn } = Payload.parse(run.payload);
        if ((await chain.work(run)) === "again") {
          const again = { kind, slot, turn: turn + 1, atMs: run.nowMs };
          return promise(deps.database, deps, again);
        }
        const nextSlot = Math.max(slot, Math.floor(run.nowMs / chain.everyMs)) + 1;
        const atMs = nextSlot * chain.everyMs;
        return promise(deps.database, deps, { kind, slot: nextSlot, turn: 0, atMs });
      },
    ]),
  );
}

export async function beginChains(
  deps: ChainDeps,
  chains: Readonly<Record<string, Chain>>,
  nowMs: number,
): Promise<void> {
  for (const [kind, { everyMs }] of Object.entries(chains)) {
    const slot = Math.floor(nowMs / everyMs);
    await promise(deps.database, deps, { kind, slot, turn: 0, atMs: nowMs });
  }
}

const promise = (
  db: Queryable,
  { jobs }: ChainDeps,
  it: { kind: string; slot: number; turn: number; atMs: number },
): Promise<void> =>
  jobs.add(db, {
    kind: it.kind,
    payload: { slot: it.slot, turn: it.turn },
    runAtMs: it.atMs,
    key: `${it.kind} ${it.slot}.${it.turn}`,
  });
