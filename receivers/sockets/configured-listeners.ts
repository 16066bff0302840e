import { isDeepStrictEqual } from "node:util";

import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { hostOf } from "#platform/listen.ts";

import type { Receiver } from "../receiver.ts";

const RETRY_MS = 5_000;

/** A listener of the sources file, and why it does not listen; null if it does. */
export type ListenerState = { source: string; address: string; problem: string | null };

type Running<L> = {
  listener: L;
  closing: AbortController;
  receiver: Receiver | undefined;
  problem: string | null;
};

type Open<L> = (listener: L, signal: AbortSignal) => Promise<Receiver>;

/**
 * The listeners of the sources file, which may change while they are open. One that cannot listen, such as on a port in
 * use, is tried again every few seconds, and none delays the others.
 */
export class ConfiguredListeners<L extends Listener> implements AsyncDisposable {
  readonly #open: Open<L>;
  readonly #running = new Map<string, Running<L>>();
  #wanted: ReadonlyMap<string, L> = new Map();
  #turn: Promise<void> = Promise.resolve();
  readonly #retry: NodeJS.Timeout;

  constructor(open: Open<L>) {
    this.#open = open;
    this.#retry = setInterval(() => void this.#adjustNext().catch(() => undefined), RETRY_MS);
    this.#retry.unref();
  }

  /** Opens these listeners, and closes the others. Resolves when that was tried. */
  apply(listeners: readonly L[]): Promise<void> {
    this.#wanted = new Map(listeners.map((listener) => [listener.source, listener]));
    return this.#adjustNext();
  }

  states(): ListenerState[] {
    return [...this.#running].map(([source, { listener, receiver, problem }]) => ({
      source,
      address: receiver?.address ?? addressOf(listener),
      problem,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#retry);
    await this.apply([]);
  }

  #adjustNext(): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#adjust());
    return this.#turn;
  }

  /** A changed listener is closed first, because its port may stay the same. */
  async #adjust(): Promise<void> {
    const left = [...this.#running].filter(
      ([id, { listener }]) => !isDeepStrictEqual(listener, this.#wanted.get(id)),
    );
    await Promise.all(left.map(([id, running]) => this.#close(id, running)));
    const missing = [...this.#wanted].filter(([id]) => !this.#running.get(id)?.receiver);
    await Promise.all(missing.map(([id, listener]) => this.#start(id, listener)));
  }

  async #close(id: string, { closing, receiver }: Running<L>): Promise<void> {
    this.#running.delete(id);
    closing.abort();
    await receiver?.[Symbol.asyncDispose]();
  }

  async #start(id: string, listener: L): Promise<void> {
    const closing = new AbortController();
    const running: Running<L> = { listener, closing, receiver: undefined, problem: null };
    try {
      running.receiver = await this.#open(listener, closing.signal);
    } catch (error) {
      running.problem = error instanceof Error ? error.message : String(error);
    }
    this.#running.set(id, running);
  }
}

/** Where it is to listen. */
function addressOf({ protocol, listenOn }: Listener): string {
  if ("path" in listenOn) return `${protocol}:${listenOn.path}`;
  const { host, port } = listenOn;
  return `${protocol}://${hostOf(host)}:${port}`;
}
