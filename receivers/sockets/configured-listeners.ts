import { isDeepStrictEqual } from "node:util";

import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { hostOf } from "#platform/listen.ts";

import type { Receiver } from "../receiver.ts";

const RETRY_MS = 5_000;

/** A listener of the sources file, and why it does not listen; null if it does. */
export type ListenerState = { source: string; address: string; problem: string | null };

type Running = {
  listener: Listener;
  receiver: Receiver | undefined;
  problem: string | null;
};

type Open = (listener: Listener) => Promise<Receiver>;

/**
 * The listeners of the sources file, which may change while they are open. One that cannot listen, such as on a port in
 * use, is tried again every few seconds, and none delays the others.
 */
export class ConfiguredListeners implements AsyncDisposable {
  readonly #open: Open;
  readonly #running = new Map<string, Running>();
  #wanted: ReadonlyMap<string, Listener> = new Map();
  #turn: Promise<void> = Promise.resolve();
  readonly #retry: NodeJS.Timeout;

  constructor(open: Open) {
    this.#open = open;
    this.#retry = setInterval(() => void this.#adjustNext().catch(() => undefined), RETRY_MS);
    this.#retry.unref();
  }

  /** Opens these listeners, and closes the others. Resolves when that was tried. */
  apply(listeners: readonly Listener[]): Promise<void> {
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

  async #close(id: string, { receiver }: Running): Promise<void> {
    this.#running.delete(id);
    await receiver?.[Symbol.asyncDispose]();
  }

  async #start(id: string, listener: Listener): Promise<void> {
    const running: Running = { listener, receiver: undefined, problem: null };
    try {
      running.receiver = await this.#open(listener);
    } catch (error) {
      running.problem = error instanceof Error ? error.message : String(error);
    }
    this.#running.set(id, running);
  }
}

/** The listeners among the sources. */
export const listenersIn = (sources: readonly ConfiguredSource[]): Listener[] =>
  sources.flatMap(({ id, kind, properties }) => kind.listener?.(properties, id) ?? []);

/** Where it is to listen. */
function addressOf({ protocol, listenOn }: Listener): string {
  if ("path" in listenOn) return `${protocol}:${listenOn.path}`;
  const { host, port } = listenOn;
  return `${protocol}://${hostOf(host)}:${port}`;
}
