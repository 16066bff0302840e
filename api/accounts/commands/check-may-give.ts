import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { SCOPE_CHARS_MAX } from "../domain/access-token.ts";
import { type Held, beyond, within } from "../domain/grants.ts";
import { type Product, QUARTERDECK, unknownPermissions } from "../domain/products.ts";
import { heldBy, scopeChars } from "../repositories/grants.ts";
import { type Act, wrongField } from "./identity-deps.ts";

/**
 * Nobody gives what they do not hold themselves at this moment, for at least as long: what counts is what the database
 * says now, and of that on Quarterdeck itself only what the token at hand says too (a key may be narrower than its
 * service account). The root key may give everything.
 * @throws AppError forbidden that names what is missing
 */
export async function checkMayGive(
  tx: Queryable,
  { caller, nowMs }: Act,
  give: { product: string; permissions: readonly string[]; untilMs: number | undefined },
): Promise<void> {
  if (caller.kind === "root" || give.permissions.length === 0) return;
  const held = await heldBy(tx, caller.id, { product: give.product, nowMs });
  const usable = give.product === QUARTERDECK ? narrowed(held, [...caller.permissions]) : held;
  const missing = beyond(usable, give.permissions, give.untilMs);
  if (missing.length === 0) return;
  throw new AppError(
    "forbidden",
    `You can only give what you hold yourself on ${give.product}, and for as long: ${missing.slice(0, 20).join(", ")} is beyond that.`,
  );
}

const narrowed = (held: readonly Held[], by: readonly string[]): Held[] =>
  held.flatMap(({ permission, untilMs }) =>
    within(by, [permission]).map((it) => ({ permission: it, untilMs })),
  );

/** @throws AppError bad_request that names the permissions which the product does not have */
export function checkKnown(product: Product, permissions: readonly string[]): void {
  const unknown = unknownPermissions(product.permissions, permissions);
  if (unknown.length === 0) return;
  throw wrongField(
    "permissions",
    "unknown_permission",
    `${product.slug} has no ${unknown.slice(0, 20).join(", ")}: add it to the product's permissions first`,
  );
}

/**
 * After the change, in its transaction: whoever is given more than a token can carry could sign in and then do nothing.
 * @throws AppError bad_request
 */
export async function checkFits(
  tx: Queryable,
  { nowMs }: Act,
  of: { productId: string; subjectId?: string; roleId?: string },
): Promise<void> {
  if ((await scopeChars(tx, of, nowMs)) <= SCOPE_CHARS_MAX) return;
  const message = `with these, somebody's permissions would take more than the ${SCOPE_CHARS_MAX} characters that fit into an access token: give fewer and wider ones`;
  throw wrongField("permissions", "too_many", message);
}
