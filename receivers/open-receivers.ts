import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import type { Listener } from "#collectors/sources/listeners/listener.ts";

import { type HeldListener, isHeld } from "./holder/held-listener.ts";
import { openHttpReceiver } from "./http/http-receiver.ts";
import { openJournalHttp } from "./journal/journal-http.ts";
import type { Receiver, ReceiverDeps } from "./receiver.ts";
import type { ReceiverSettings } from "./settings.ts";
import { ConfiguredListeners, type ListenerState } from "./sockets/configured-listeners.ts";
import { keepEvents } from "./sockets/keep-events.ts";
import { hasSockets, socketListeners } from "./sockets/open-sockets.ts";
import { JOURNAL } from "./sockets/protocols.ts";

export type OpenReceivers = AsyncDisposable & {
  /** Of the receivers that the settings turn on. */
  addresses: readonly string[];
  /** Of the listeners in the sources file that are not held. */
  listeners(): ListenerState[];
  /** To be called when the sources file has changed. */
  applySources(): Promise<void>;
};

type HttpListener = Extract<Listener, { protocol: "journal+http" }>;
const isHttp = (listener: Listener): listener is HttpListener => !isHeld(listener);

/**
 * Opens the receivers over HTTP that the settings turn on, and those of the sources file.
 * @throws AppError if one of the former cannot listen; then none does
 */
export async function openReceivers(
  settings: ReceiverSettings,
  deps: ReceiverDeps,
): Promise<OpenReceivers> {
  await using opened = new AsyncDisposableStack();
  const receivers: Receiver[] = [];
  const { pushHost: host, pushPort: port } = settings;
  if (port !== "off") {
    receivers.push(opened.use(await openHttpReceiver({ host, ...port }, deps)));
  }
  const closing = new AbortController();
  for (const listener of socketListeners(settings).filter(isHttp)) {
    receivers.push(opened.use(await openJournal(listener, deps, closing.signal)));
  }
  const configured = new ConfiguredListeners<HttpListener>((listener, signal) =>
    openJournal(listener, deps, signal),
  );
  opened.use(configured);
  const applySources = (): Promise<void> =>
    configured.apply(listenersIn(deps.sources()).filter(isHttp));
  await applySources();
  const addresses = receivers.map(({ address }) => address);
  const resources = opened.move();
  return {
    addresses,
    listeners: () => configured.states(),
    applySources,
    [Symbol.asyncDispose]() {
      closing.abort();
      return resources.disposeAsync();
    },
  };
}

const listenersIn = (sources: readonly ConfiguredSource[]): Listener[] =>
  sources.flatMap(({ id, kind, properties }) => kind.listener?.(properties, id) ?? []);

/** The listeners of the sources file whose sockets are held. */
export const heldListenersIn = (sources: readonly ConfiguredSource[]): HeldListener[] =>
  listenersIn(sources).filter(isHeld);

function openJournal(
  { protocol, source, listenOn }: HttpListener,
  deps: ReceiverDeps,
  signal: AbortSignal,
): Promise<Receiver> {
  const about = { source, protocol, unreadDataset: JOURNAL, backlogShare: 1 };
  return openJournalHttp({
    listenOn,
    keep: keepEvents(deps, about, signal),
    refuse: (reason, stream) => deps.activity.refused({ protocol, source, stream }, 1, reason),
    log: deps.log,
  });
}

/** Whether a setting names a receiver, so that logs are expected to be pushed. */
export const namesReceivers = (settings: ReceiverSettings): boolean =>
  hasSockets(settings) || (settings.pushPort !== "off" && settings.pushPort.ifTaken === "fail");
