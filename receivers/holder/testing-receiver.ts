import { duplexPair } from "node:stream";

import type { BusProducer, BusRecord } from "#pipeline/bus/port.ts";
import { systemClock as clock } from "#platform/clock.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { Activity } from "../activity/activity.ts";
import { openHolderLink } from "../sockets/holder-link.ts";
import { socketSettings } from "../sockets/settings.ts";
import type { SocketHolder } from "./socket-holder.ts";

export type TestReceiver = {
  /** The lines and documents on the bus. */
  kept(): string[];
  /** Why events or connections were refused. */
  reasons(): string[];
  dropped(): number;
  /** Ends it as kill -9 would: what it has written to the bus stays there. */
  kill(): Promise<void>;
};

/** A receiver in this process, attached to the holder. Receivers with the same records continue one another. */
export function testReceiver(holder: SocketHolder, records: BusRecord[] = []): TestReceiver {
  const [own, other] = duplexPair();
  let isKilled = false;
  const bus: BusProducer = {
    async append(...some) {
      if (!isKilled) records.push(...some);
      // It may be killed before it knows that they are durable.
      await new Promise(setImmediate);
    },
    async *recent() {
      yield* records.slice();
    },
    check: () => Promise.resolve(),
  };
  const activity = new Activity(clock, (text) => text);
  const { sockets } = parseSettings({ sockets: socketSettings }, { QUARTERDECK_TIMEZONE: "UTC" });
  const attached = holder.attach(own, () => undefined);
  const reading = openHolderLink(other, sockets, { bus, activity, clock }).then((link) =>
    link.read([]),
  );
  return {
    kept: () =>
      records.flatMap(({ lines }) => Buffer.from(lines).toString().split("\n").slice(0, -1)),
    reasons: () => activity.streams.map(({ refusal }) => refusal).filter((it) => it !== ""),
    dropped: () => activity.streams.reduce((sum, { dropped }) => sum + dropped, 0),
    async kill() {
      isKilled = true;
      own.destroy();
      other.destroy();
      await Promise.all([attached, reading]);
    },
  };
}
