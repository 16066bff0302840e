import type { IncomingMessage } from "node:http";

import type { BodyBuffers } from "#platform/http/body-buffers.ts";
import { readBody } from "#platform/http/encoded-body.ts";

import { Delivery, type DeliveryDeps } from "../delivery/delivery.ts";
import { type TokenCaller, tokenOf } from "./token-access.ts";

/** Larger bodies are refused, also when they are unpacked: shippers send at most 20 MiB by default. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;

const CODINGS = ["gzip", "deflate", "zstd"] as const;

type Call = { caller: TokenCaller; incoming: IncomingMessage; nowMs: number };

export type PushDeps = DeliveryDeps & { bodies: BodyBuffers };

/** A request with events; its memory is used again when it is disposed of. */
type ReceivedBody = Disposable & { body: Buffer; delivery: Delivery };

/**
 * The body of a request with events, and the delivery to add them to.
 * @throws AppError too_many_requests before the body is read, while the token has sent too many events
 */
export async function beginDelivery(
  deps: PushDeps,
  protocol: string,
  { caller, incoming, nowMs }: Call,
): Promise<ReceivedBody> {
  const token = tokenOf(caller);
  deps.rates.check(token);
  await deps.bus.check();
  const { bodies } = deps;
  const memory = bodies.take(Number(incoming.headers["content-length"] ?? Number.NaN));
  const end = (isFree: boolean): void => {
    if (memory) bodies.end(memory, isFree);
  };
  try {
    const body = await readBody(incoming, BODY_BYTES_MAX, { codings: CODINGS, memory });
    const { address } = caller;
    const delivery = new Delivery(deps, { protocol, token, address, nowMs, body });
    // What was not sent may still be in use.
    return {
      body,
      delivery,
      [Symbol.dispose]() {
        delivery[Symbol.dispose]();
        end(delivery.isSent);
      },
    };
  } catch (error) {
    end(false);
    throw error;
  }
}
