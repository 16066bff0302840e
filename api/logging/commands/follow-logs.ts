import { covers } from "#pipeline/dataset-names.ts";
import type { Filter } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { matches } from "#pipeline/matches.ts";
import type { EventDocument, EventId, Skipped } from "#pipeline/store/port.ts";
import type { Caller } from "#platform/http/caller.ts";

import type { Deps } from "./deps.ts";
import { isVisible, readScope, withinScope } from "./read-scope.ts";

/** Events buffered for one reader; a reader that exceeds it is disconnected. */
const WAITING_MAX = 2_000;
/** The newest missed events that are sent after a reconnect. */
const MISSED_MAX = 1_000;

export type Message = { id?: string; event: "log" | "skipped" | "dropped"; data: unknown };

export type Following = {
  where: Filter;
  caller: Caller;
  /** Id of the reader's last event. */
  after: string | undefined;
  nowMs: number;
  signal: AbortSignal;
};

/** New events for one reader; ends with the signal, or after `dropped`. */
export async function followLogs(
  { stores, tails }: Pick<Deps, "stores" | "tails">,
  following: Following,
): Promise<AsyncIterator<Message>> {
  const { where, caller, signal } = following;
  const inbox = new Inbox();
  const leave = await tails.add((events, skipped) => {
    for (const event of events) {
      if (isVisible(caller, event.fields) && matches(event.fields, where)) inbox.put(logOf(event));
    }
    const count = skippedOf(caller, skipped);
    if (count > 0) inbox.put({ event: "skipped", data: { events: count } });
  });
  const end = (): void => {
    leave();
    inbox.end();
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const missed = await missedBy({ stores }, following).catch((error: unknown) => {
    leave();
    throw error;
  });
  return messages(missed, inbox, leave);
}

/** Skipped events in the caller's datasets only: counts of other datasets must not leak. */
const skippedOf = (caller: Caller, skipped: Skipped): number =>
  [...skipped].reduce(
    (sum, [dataset, rows]) => (covers(readScope(caller), dataset) ? sum + rows : sum),
    0,
  );

// Events that arrived during the lookup of the missed ones may be among them.
async function* messages(
  missed: readonly Message[],
  inbox: Inbox,
  leave: () => void,
): AsyncGenerator<Message, void> {
  try {
    const sent = new Set(missed.map(({ id }) => id));
    yield* missed;
    for (let message = await inbox.next(); message; message = await inbox.next()) {
      if (message.id === undefined || !sent.has(message.id)) yield message;
    }
  } finally {
    leave();
  }
}

/** Events after the reader's last one in search order, oldest first. */
async function missedBy(
  { stores }: Pick<Deps, "stores">,
  { after, caller, where, nowMs, signal }: Following,
): Promise<Message[]> {
  if (after === undefined) return [];
  const store = forAsker(await stores.get(), { signal, asker: caller.id });
  // Validated by the route's `EventId`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const last = await store.event(after as EventId);
  if (!last || !isVisible(caller, last.fields)) return [];
  const fromMs = Date.parse(String(last.fields["@timestamp"]));
  const found = await store.search({
    fromMs,
    // Writers' clocks may be ahead.
    toMs: nowMs + 86_400_000,
    where: [...where, ...(await withinScope(store, caller))],
    limit: MISSED_MAX + 1,
  });
  const at = found.findIndex(({ id }) => id === last.id);
  const newer = (at < 0 ? found : found.slice(0, at)).slice(0, MISSED_MAX);
  const isCut = at < 0 && found.length > MISSED_MAX;
  return [
    ...(isCut ? [{ event: "skipped" as const, data: { events: null } }] : []),
    ...newer.toReversed().map(logOf),
  ];
}

const logOf = (event: EventDocument): Message => ({ id: event.id, event: "log", data: event });

/** A bounded queue of events for one reader. */
class Inbox {
  readonly #waiting: Message[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  put(message: Message): void {
    if (this.#isEnded) return;
    this.#waiting.push(message);
    if (this.#waiting.length > WAITING_MAX) {
      const data = { reason: "too slow: more events waited than are kept", events: WAITING_MAX };
      this.#waiting.splice(0, Infinity, { event: "dropped", data });
      this.#isEnded = true;
    }
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<Message | undefined> {
    while (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#waiting.shift();
  }
}
