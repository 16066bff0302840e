import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { SCOPE_CHARS_MAX } from "../domain/access-token.ts";
import { type HeldPermission, notDelegable, intersection } from "../domain/grants.ts";
import { type Product, QUARTERDECK, unknownPermissions } from "../domain/products.ts";
import { heldPermissions, scopeChars } from "../repositories/permissions.ts";
import { type Act, invalidField } from "./call-context.ts";

/**
 * Nobody gives what they do not hold themselves at this moment, for at least as long: what counts is what the database
 * says now, and of that on Quarterdeck itself only what the token at hand says too (a key may be narrower than its
 * service account). The root key may give everything.
 * @throws AppError forbidden that names what is missing
 */
export async function checkDelegation(
  tx: Queryable,
  { caller, nowMs }: Act,
  give: { product: string; permissions: readonly string[]; untilMs: number | undefined },
): Promise<void> {
  if (caller.kind === "root" || give.permissions.length === 0) return;
  const held = await heldPermissions(tx, caller.id, { product: give.product, nowMs });
  const usable = give.product === QUARTERDECK ? narrowed(held, [...caller.permissions]) : held;
  const missing = notDelegable(usable, give.permissions, give.untilMs);
  if (missing.length === 0) return;
  throw new AppError(
    "forbidden",
    `You can only give what you hold yourself on ${give.product}, and for as long: ${missing.slice(0, 20).join(", ")} is beyond that.`,
  );
}

const narrowed = (held: readonly HeldPermission[], by: readonly string[]): HeldPermission[] =>
  held.flatMap(({ permission, untilMs }) =>
    intersection(by, [permission]).map((it) => ({ permission: it, untilMs })),
  );

/** @throws AppError bad_request that names the permissions which the product does not have */
export function checkInCatalogue(product: Product, permissions: readonly string[]): void {
  const unknown = unknownPermissions(product.permissions, permissions);
  if (unknown.length === 0) return;
  throw invalidField(
    "permissions",
    "unknown_permission",
    `${product.slug} has no ${unknown.slice(0, 20).join(", ")}: add it to the product's permissions first`,
  );
}

/**
 * After the change, in its transaction: whoever is given more than a token can carry could sign in and then do nothing.
 * @throws AppError bad_request
 */
export async function checkScopeLength(
  tx: Queryable,
  { nowMs }: Act,
  of: { productId: string; subjectId?: string; roleId?: string },
): Promise<void> {
  if ((await scopeChars(tx, of, nowMs)) <= SCOPE_CHARS_MAX) return;
  const message = `with these, somebody's permissions would take more than the ${SCOPE_CHARS_MAX} characters that fit into an access token: give fewer and wider ones`;
  throw invalidField("permissions", "too_many", message);
}
