import type { MessagePort } from "node:worker_threads";

import type { Channel } from "./port.ts";

/** Maximum number of unconfirmed messages: half a minute of frames, at ten per second. */
const PENDING_MAX = 300;
/** The receiver confirms after this many messages. */
const CONFIRM_EVERY = 10;

type Envelope<Message> = { message: Message } | { received: number };

/** A channel over one end of a `MessageChannel`, for threads of one process. */
export function messagePortChannel<In, Out>(port: MessagePort): Channel<In, Out> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let posted = 0;
  let confirmed = 0;
  let received = 0;

  port.once("close", () => resolve());
  return {
    post(message) {
      posted += 1;
      port.postMessage({ message });
    },
    onMessage(listener) {
      port.on("message", (envelope: Envelope<In>) => {
        if ("received" in envelope) {
          confirmed = envelope.received;
          return;
        }
        received += 1;
        if (received % CONFIRM_EVERY === 0) port.postMessage({ received });
        listener(envelope.message);
      });
    },
    get isCongested() {
      return posted - confirmed > PENDING_MAX;
    },
    close: () => port.close(),
    closed,
  };
}
