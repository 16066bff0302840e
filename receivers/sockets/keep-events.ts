import { setTimeout as delay } from "node:timers/promises";

import type { BusProducer, BusRecord } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Activity } from "../activity/activity.ts";
import type { Decoded, Keep } from "./decoder.ts";

const LF = 0x0a;
const RETRY_MS = 1_000;

type Deps = { bus: BusProducer; activity: Activity; clock: Clock };
type About = {
  /** What the events name as their source. */
  source: string;
  protocol: string;
  /** Dataset of events whose message no format can read. */
  unreadDataset: string;
  /** Largest share of the backlog of events that are not stored yet, beyond which nothing is kept. */
  backlogShare: number;
};

/** Writes events to the bus. What it cannot keep now is tried again until the signal aborts. */
export function keepEvents(
  { bus, activity, clock }: Deps,
  { source, protocol, unreadDataset, backlogShare }: About,
  signal: AbortSignal,
): Keep {
  const recordsOf = ({ lines, documents }: Decoded, sender: string): BusRecord[] => {
    const stream = `${source} ${sender}`;
    const header = {
      source,
      stream,
      unreadDataset,
      receivedMs: clock.nowMs(),
      fields: { "log.source.address": sender },
    };
    const records: BusRecord[] = [];
    if (lines.length > 0) records.push({ header, lines: Buffer.concat(lines) });
    if (documents.length > 0) {
      const asDocuments = { ...header, format: "ecs", message: "line" } as const;
      records.push({ header: asDocuments, lines: Buffer.concat(documents) });
    }
    return records;
  };
  return async (decoded, sender) => {
    const records = recordsOf(decoded, sender);
    await untilKept(signal, async () => {
      await bus.check(backlogShare);
      await bus.append(...records);
    });
    for (const { lines } of records) {
      const about = { protocol, source, stream: sender };
      activity.received(about, { events: countLines(lines), bytes: lines.length, lines: [lines] });
    }
  };
}

async function untilKept(signal: AbortSignal, keep: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await keep();
      return;
    } catch (error) {
      if (!(error instanceof AppError) || signal.aborted) throw error;
      await delay(error.waitMs ?? RETRY_MS, undefined, { signal });
    }
  }
}

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(LF); at >= 0; at = lines.indexOf(LF, at + 1)) count += 1;
  return count;
}
