import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";

import type { Listener } from "#collectors/sources/listeners/listener.ts";

import {
  MessageReader,
  MessageWriter,
  type ToHolder,
  type ToReceiver,
} from "../holder/messages.ts";
import type { ReceiverDeps } from "../receiver.ts";
import { HeldConnection } from "./held-connection.ts";
import { type Keep, keepEvents } from "./keep-events.ts";
import { KeptRecords } from "./kept-records.ts";
import { type Protocol, protocolsOf } from "./protocols.ts";
import type { SocketSettings } from "./settings.ts";

export type HolderLink = {
  /** Names the listeners of the sources file that are to be open. */
  listen(listeners: readonly Listener[]): void;
  /** Reads until the holder ends the channel. `addresses`: at which this receiver listens. Rejects if events cannot be kept. */
  read(addresses: readonly string[]): Promise<void>;
};

type Opening = Extract<ToReceiver, { type: "open" }>;
type Deps = Pick<ReceiverDeps, "bus" | "activity" | "clock">;

/** Reads what a socket holder has received. */
export async function openHolderLink(
  channel: Duplex,
  settings: SocketSettings,
  deps: Deps,
): Promise<HolderLink> {
  const kept = new KeptRecords();
  await kept.read(deps.bus);
  const connections = new HeldConnections(channel, { settings, deps, kept });
  return {
    listen: (listeners) => connections.listen(listeners),
    read: (addresses) => connections.readAll(addresses),
  };
}

type Context = { settings: SocketSettings; deps: Deps; kept: KeptRecords };
/** At the end, what cannot be kept for so long is given up: the holder has it, or was killed. */
const GIVE_UP_MS = 5_000;

class HeldConnections {
  readonly #channel: Duplex;
  readonly #context: Context;
  readonly #writer: MessageWriter<ToHolder>;
  readonly #protocols: ReturnType<typeof protocolsOf>;
  readonly #keeps = new Map<string, Keep>();
  readonly #open = new Map<number, HeldConnection>();
  /** Those that an earlier receiver had. */
  #names: Set<string> | undefined = new Set();
  readonly #givingUp = new AbortController();
  readonly #failed = Promise.withResolvers<never>();

  constructor(channel: Duplex, context: Context) {
    this.#channel = channel;
    this.#context = context;
    this.#writer = new MessageWriter(channel);
    this.#protocols = protocolsOf(context.settings, context.deps.clock);
  }

  listen(listeners: readonly Listener[]): void {
    this.#writer.write(0, { type: "listeners", listeners });
  }

  async readAll(addresses: readonly string[]): Promise<void> {
    const reader = new MessageReader<ToReceiver>({
      onMessage: (id, message) => this.#onMessage(id, message),
      onBytes: (id, bytes) => this.#open.get(id)?.push(bytes),
    });
    const ended = finished(this.#channel, { writable: false }).catch(() => undefined);
    this.#channel.on("data", (bytes: Buffer) => reader.push(bytes));
    this.#writer.write(0, { type: "ready", addresses });
    await Promise.race([ended, this.#failed.promise]);
    const givingUp = setTimeout(() => this.#givingUp.abort(), GIVE_UP_MS);
    const reading = [...this.#open.values()].map((connection) => connection.finished());
    await Promise.race([Promise.all(reading), this.#failed.promise]);
    clearTimeout(givingUp);
  }

  #onMessage(id: number, message: ToReceiver): void {
    const { activity } = this.#context.deps;
    if (message.type === "open") this.#add(id, message);
    if (message.type === "end") this.#open.get(id)?.end(message.how);
    if (message.type === "attached") this.#endOfEarlier();
    if (message.type === "refused") {
      const { protocol, source, sender: stream, reason } = message;
      activity.refused({ protocol, source, stream }, 1, reason);
    }
    if (message.type === "dropped") {
      const { protocol, source, events } = message;
      activity.dropped({ protocol, source, stream: "" }, events);
    }
  }

  #endOfEarlier(): void {
    if (this.#names) this.#context.kept.retain(this.#names);
    this.#names = undefined;
  }

  #add(id: number, opening: Opening): void {
    const { activity } = this.#context.deps;
    const { source, sender, connection, state } = opening;
    const protocol = this.#protocols[opening.protocol];
    this.#names?.add(connection);
    const refuse = (reason: string, stream: string): void =>
      activity.refused({ protocol: opening.protocol, source, stream }, 1, reason);
    const held = new HeldConnection({
      opening,
      decoder: protocol.newDecoder({ sender, state, refuse }),
      cutAt: this.#context.kept.offsetsOf(connection),
      keep: this.#keepOf(opening, protocol),
      refuse: (reason) => refuse(reason, sender),
      onLost: (events) =>
        activity.dropped({ protocol: opening.protocol, source, stream: "" }, events),
      onFailed: (error) => {
        if (!this.#givingUp.signal.aborted) this.#failed.reject(error);
      },
      send: (message, reply) => {
        this.#writer.write(id, message, reply);
        if (message.type === "acknowledged" && message.isEnd) this.#open.delete(id);
      },
    });
    this.#open.set(id, held);
  }

  #keepOf({ protocol, source }: Opening, { unreadDataset, backlogShare }: Protocol): Keep {
    const { deps, kept } = this.#context;
    const name = `${protocol} ${source}`;
    const isKept = (header: Parameters<KeptRecords["has"]>[0]): boolean => kept.has(header);
    const about = { protocol, source, unreadDataset, backlogShare, isKept };
    const keep = this.#keeps.get(name) ?? keepEvents(deps, about, this.#givingUp.signal);
    this.#keeps.set(name, keep);
    return keep;
  }
}
