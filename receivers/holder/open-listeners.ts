import type { Listener } from "#collectors/sources/listeners/listener.ts";
import type { Log } from "#platform/log.ts";

import { ConfiguredListeners, type ListenerState } from "../sockets/configured-listeners.ts";
import { socketListeners } from "../sockets/open-sockets.ts";
import type { SocketSettings } from "../sockets/settings.ts";
import { openListener } from "./open-listener.ts";
import type { SocketHolder } from "./socket-holder.ts";

export type OpenListeners = AsyncDisposable & {
  /** Of the listeners that the settings turn on. */
  addresses: readonly string[];
  /** Of the listeners in the sources file. */
  states(): ListenerState[];
  /** Opens these listeners of the sources file, and closes the others. */
  apply(listeners: readonly Listener[]): Promise<void>;
};

/** Opens the listeners that the settings turn on. @throws AppError if one cannot listen; then none does */
export async function openListeners(
  settings: SocketSettings,
  holder: SocketHolder,
  log: Log,
): Promise<OpenListeners> {
  await using opened = new AsyncDisposableStack();
  const addresses: string[] = [];
  for (const listener of socketListeners(settings)) {
    addresses.push(opened.use(await openListener(listener, holder, log)).address);
  }
  const configured = new ConfiguredListeners((listener) => openListener(listener, holder, log));
  opened.use(configured);
  const resources = opened.move();
  return {
    addresses,
    states: () => configured.states(),
    apply: (listeners) => configured.apply(listeners),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
