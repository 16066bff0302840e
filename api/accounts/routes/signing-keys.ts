import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, iso, isoOrNull } from "#platform/http/schema.ts";

import type { CommandDeps } from "../commands/call-context.ts";
import { stateOf } from "../domain/signing-keys.ts";

const Key = z
  .strictObject({
    kid: z.string(),
    state: z.enum(["next", "active", "retired"]),
    createdAt: Timestamp,
    activeAt: Timestamp.nullable(),
    retiredAt: Timestamp.nullable(),
  })
  .meta({ id: "SigningKey" });

const tag = "Signing keys";

/** The keys that tokens are signed with. */
export const signingKeyRoutes = ({ kit, keys, audit }: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/signing-keys",
    operationId: "listSigningKeys",
    tag,
    summary: "The keys that sign, will sign and have signed",
    rule: { allow: "permission", permission: "accounts:signing-keys:read" },
    answers: { 200: { description: "The keys", body: z.strictObject({ items: z.array(Key) }) } },
    async handle() {
      const items = (await keys.facts()).map((it) => ({
        kid: it.kid,
        state: stateOf(it),
        createdAt: iso(it.createdAtMs),
        activeAt: isoOrNull(it.activeAtMs ?? null),
        retiredAt: isoOrNull(it.retiredAtMs ?? null),
      }));
      return { status: 200, body: { items } };
    },
  }),
  route({
    method: "POST",
    path: "/v1/signing-keys/rotations",
    operationId: "rotateSigningKeys",
    tag,
    summary: "Signs with the next key from now on",
    description:
      "With withdraw, for a key that has leaked: every key that has signed is gone, and every token of theirs is refused as soon as the services read the keys again (at most five minutes).",
    rule: { allow: "permission", permission: "accounts:signing-keys:write" },
    body: z.strictObject({ withdraw: z.boolean().default(false) }),
    idempotency: "optional",
    answers: { 204: { description: "Turned" } },
    handle: (call) =>
      call.write(async (tx) => {
        const { nowMs, body } = call;
        const early = await keys.rotate(tx, { nowMs, withdraw: body.withdraw });
        if (early !== undefined) {
          throw new AppError(
            "conflict",
            `The next key is too new for everybody to know it: ask again after ${iso(early.waitUntilMs)}, or withdraw the old one if it has leaked.`,
          );
        }
        const action = "signing-key.rotate";
        await audit(tx, call, { action, target: kit.url, detail: { withdraw: body.withdraw } });
        return { status: 204 };
      }),
  }),
];
