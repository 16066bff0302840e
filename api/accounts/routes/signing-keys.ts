import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, iso } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { stateOf } from "../domain/signing-keys.ts";

const KeyBody = z
  .strictObject({
    kid: z.string(),
    state: z.enum(["next", "active", "retired"]),
    createdAt: Timestamp,
    activeAt: Timestamp.nullable(),
    retiredAt: Timestamp.nullable(),
  })
  .meta({ id: "SigningKey" });

const tag = "Signing keys";

export const signingKeyRoutes = ({ kit, keys, audit }: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/signing-keys",
    operationId: "listSigningKeys",
    tag,
    summary: "List the signing keys: active, next and retired",
    rule: { allow: "permission", permission: "accounts:signing-keys:read" },
    responses: {
      200: { description: "The keys", body: z.strictObject({ items: z.array(KeyBody) }) },
    },
    async handle() {
      const items = (await keys.info()).map(({ activeAtMs = null, retiredAtMs = null, ...key }) =>
        toBody(KeyBody, {
          ...key,
          activeAtMs,
          retiredAtMs,
          state: stateOf({ activeAtMs, retiredAtMs }),
        }),
      );
      return { status: 200, body: { items } };
    },
  }),
  route({
    method: "POST",
    path: "/v1/signing-keys/rotations",
    operationId: "rotateSigningKeys",
    tag,
    summary: "Rotate the signing keys",
    description:
      "With withdraw, after a leak, all keys that have signed are erased, and their tokens are refused as soon as the services read the keys again (at most five minutes).",
    rule: { allow: "permission", permission: "accounts:signing-keys:write" },
    body: z.strictObject({ withdraw: z.boolean().default(false) }),
    idempotency: "optional",
    responses: { 204: { description: "Rotated" } },
    handle: (call) =>
      call.write(async (tx) => {
        const { nowMs, body } = call;
        const early = await keys.rotate(tx, { nowMs, withdraw: body.withdraw });
        if (early !== undefined) {
          throw new AppError(
            "conflict",
            `The next key was not published for long enough: try again after ${iso(early.waitUntilMs)}, or withdraw the old keys if one has leaked.`,
          );
        }
        const action = "signing-key.rotate";
        await audit(tx, call, { action, target: kit.url, detail: { withdraw: body.withdraw } });
        return { status: 204 };
      }),
  }),
];
