import { z } from "zod";

import { readBytes } from "#platform/http/read-body.ts";
import { type Route, route } from "#platform/http/route.ts";

import { handleWebhookEvent } from "../commands/webhooks.ts";
import { type Gateways, gatewayOf } from "../gateway/gateways.ts";
import { SIGNATURE_HEADER } from "../gateway/signature.ts";
import type { BillingKit } from "../kit.ts";

const BODY_BYTES_MAX = 64 * 1024;

export const webhookRoutes = (kit: BillingKit, gateways: Gateways): Route[] => [
  route({
    method: "POST",
    path: "/v1/webhooks/{gateway}",
    operationId: "receiveWebhook",
    tag: "Webhooks",
    summary: "Receive an event from a payment gateway",
    description: `Signed in the header ${SIGNATURE_HEADER}: t=SECONDS,v1=HMAC-SHA256 of "SECONDS.BODY" in hex. Events may be duplicated and arrive in any order; each is applied once.`,
    rule: { allow: "anyone", why: "the signature of the gateway authenticates the sender" },
    params: z.strictObject({ gateway: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/) }),
    consumes: ["application/json"],
    responses: {
      200: {
        description: "Received",
        body: z.strictObject({ received: z.enum(["applied", "known_already", "not_ours"]) }),
      },
    },
    async handle({ params, incoming, write, nowMs, traceId }) {
      const gateway = gatewayOf(gateways, params.gateway);
      const body = await readBytes(incoming, BODY_BYTES_MAX);
      const signature = incoming.headers[SIGNATURE_HEADER];
      const event = gateway.readEvent({
        body,
        header: () => (typeof signature === "string" ? signature : undefined),
      });
      return write(async (tx) => {
        const received = await handleWebhookEvent({ kit, tx, nowMs, traceId }, gateway.name, event);
        return { status: 200, body: { received } };
      });
    },
  }),
];
