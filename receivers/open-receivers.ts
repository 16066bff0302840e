import { openHttpReceiver } from "./http/http-receiver.ts";
import type { Receiver, ReceiverDeps } from "./receiver.ts";
import type { ReceiverSettings } from "./settings.ts";
import { hasSockets, socketReceivers } from "./sockets/open-sockets.ts";

/** Opens the receivers that the settings turn on. @throws AppError if one cannot listen; then none does */
export async function openReceivers(
  settings: ReceiverSettings,
  deps: ReceiverDeps,
): Promise<AsyncDisposable & { addresses: string[] }> {
  await using opened = new AsyncDisposableStack();
  const receivers: Receiver[] = [];
  const { pushHost: host, pushPort: port } = settings;
  if (port !== undefined) {
    receivers.push(opened.use(await openHttpReceiver({ host, port }, deps)));
  }
  const closing = new AbortController();
  for (const open of socketReceivers(settings, deps, closing.signal)) {
    receivers.push(opened.use(await open()));
  }
  const addresses = receivers.map(({ address }) => address);
  const resources = opened.move();
  return {
    addresses,
    [Symbol.asyncDispose]() {
      closing.abort();
      return resources.disposeAsync();
    },
  };
}

/** Whether the settings turn on any receiver. */
export const hasReceivers = (settings: ReceiverSettings): boolean =>
  settings.pushPort !== undefined || hasSockets(settings);
