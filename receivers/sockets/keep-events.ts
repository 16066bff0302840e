import { setTimeout as delay } from "node:timers/promises";

import { LISTENER_FIELD, type ReadTo } from "#collectors/source.ts";
import type { BusProducer, BusRecord } from "#pipeline/bus/port.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import type { Activity } from "../activity/activity.ts";
import type { Decoded, Sent } from "./decoder.ts";

const LF = 0x0a;
const RETRY_MS = 1_000;

/** Events that were read together. `readTo`: what of its connection was read with them, if a socket holder may send it again. */
export type Part = { sent: readonly Sent[]; readTo?: ReadTo };

/** Resolves when the events are durable. Waits while they cannot be kept. Rejects when the receiver is closed. */
export type Keep = (...parts: readonly Part[]) => Promise<void>;

type Deps = { bus: BusProducer; activity: Activity; clock: Clock };
type About = {
  /** What the events name as their source. */
  source: string;
  protocol: string;
  /** Dataset of events whose message no format can read. */
  unreadDataset: string;
  /** Largest share of the backlog of events that are not stored yet, beyond which nothing is kept. */
  backlogShare: number;
  /** Whether a record is on the bus already. */
  isKept?(header: BusRecord["header"]): boolean;
};

/** Writes events to the bus. What it cannot keep now is tried again until the signal aborts. */
export function keepEvents(
  { bus, activity, clock }: Deps,
  { source, protocol, unreadDataset, backlogShare, isKept = () => false }: About,
  signal: AbortSignal,
): Keep {
  const recordsOf = ({ lines, documents, sender }: Sent, readTo?: ReadTo): BusRecord[] => {
    const header = {
      source,
      stream: `${source} ${sender}`,
      unreadDataset,
      receivedMs: clock.nowMs(),
      ...(readTo && { readTo }),
      fields: { "log.source.address": sender, [LISTENER_FIELD]: source },
    };
    const asDocuments = { ...header, format: "ecs", message: "line" } as const;
    return [
      ...(lines.length > 0 ? [{ header, lines: Buffer.concat(lines) }] : []),
      ...(documents.length > 0 ? [{ header: asDocuments, lines: Buffer.concat(documents) }] : []),
    ];
  };
  return async (...parts) => {
    const all = parts.flatMap(({ sent, readTo }) => sent.flatMap((it) => recordsOf(it, readTo)));
    const records = all.filter(({ header }) => !isKept(header));
    if (records.length === 0) return;
    await untilKept(signal, async () => {
      await bus.check(backlogShare);
      await bus.append(...records);
    });
    for (const { header, lines } of records) {
      const about = { protocol, source, stream: header.fields["log.source.address"] ?? "" };
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

export const hasEvents = (sent: readonly Decoded[]): boolean =>
  sent.some(({ lines, documents }) => lines.length > 0 || documents.length > 0);

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(LF); at >= 0; at = lines.indexOf(LF, at + 1)) count += 1;
  return count;
}
