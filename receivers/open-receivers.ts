import { zoneOf } from "#collectors/zone.ts";

import { openHttpReceiver } from "./http/http-receiver.ts";
import type { Receiver, ReceiverDeps } from "./receiver.ts";
import type { ReceiverSettings } from "./settings.ts";
import { ConfiguredListeners, type ListenerState } from "./sockets/configured-listeners.ts";
import { openListener } from "./sockets/open-listener.ts";
import { hasSockets, socketListeners } from "./sockets/open-sockets.ts";

export type OpenReceivers = AsyncDisposable & {
  /** Of the receivers that the settings turn on. */
  addresses: readonly string[];
  /** Of the listeners in the sources file. */
  listeners(): ListenerState[];
  /** To be called when the sources file has changed. */
  applySources(): Promise<void>;
};

/**
 * Opens the receivers that the settings turn on, and the listeners of the sources file.
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
  const listenerDeps = { ...deps, zone: zoneOf(settings.timezone) };
  const closing = new AbortController();
  for (const listener of socketListeners(settings)) {
    receivers.push(opened.use(await openListener(listener, listenerDeps, closing.signal)));
  }
  const configured = new ConfiguredListeners((listener, signal) =>
    openListener(listener, listenerDeps, signal),
  );
  opened.use(configured);
  const applySources = (): Promise<void> => configured.apply(deps.sources());
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

/** Whether a setting names a receiver, so that logs are expected to be pushed. */
export const namesReceivers = (settings: ReceiverSettings): boolean =>
  hasSockets(settings) || (settings.pushPort !== "off" && settings.pushPort.ifTaken === "fail");
