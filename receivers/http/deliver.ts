import type { IncomingMessage } from "node:http";

import { readBody } from "#platform/http/encoded-body.ts";

import { Delivery, type DeliveryDeps } from "../delivery/delivery.ts";
import { type TokenCaller, tokenOf } from "./token-access.ts";

/** Larger bodies are refused, also when they are unpacked: shippers send at most 20 MiB by default. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;

type Call = { caller: TokenCaller; incoming: IncomingMessage; nowMs: number };

/**
 * The body of a request with events, and the delivery to add them to.
 * @throws AppError too_many_requests before the body is read, while the token has sent too many events
 */
export async function beginDelivery(
  deps: DeliveryDeps,
  protocol: string,
  { caller, incoming, nowMs }: Call,
): Promise<{ body: Buffer; delivery: Delivery }> {
  const token = tokenOf(caller);
  deps.rates.check(token);
  await deps.bus.check();
  const body = await readBody(incoming, BODY_BYTES_MAX, ["gzip", "deflate", "zstd"]);
  const { address } = caller;
  return { body, delivery: new Delivery(deps, { protocol, token, address, nowMs, body }) };
}
