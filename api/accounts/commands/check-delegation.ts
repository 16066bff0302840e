import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import { SCOPE_CHARS_MAX } from "../domain/access-token.ts";
import { type HeldPermission, intersection, notDelegable } from "../domain/grants.ts";
import { QUARTERDECK, unknownPermissions } from "../domain/products.ts";
import { heldPermissions, scopeChars } from "../repositories/permissions.ts";
import type { Product } from "../repositories/products.ts";
import { type CallContext, invalidField } from "./call-context.ts";

/**
 * Prevents privilege escalation: a caller can delegate only permissions that it holds now for at least as long,
 * according to the database and, on Quarterdeck itself, also to its token (a key may have fewer permissions than its
 * service account). The root key may delegate everything.
 * @throws AppError forbidden that names the missing permissions
 */
export async function checkDelegation(
  tx: Queryable,
  { caller, nowMs }: CallContext,
  delegated: { product: string; permissions: readonly string[]; untilMs: number | undefined },
): Promise<void> {
  const { product, permissions, untilMs } = delegated;
  if (caller.kind === "root" || permissions.length === 0) return;
  const held = await heldPermissions(tx, caller.id, { product, nowMs });
  const usable = product === QUARTERDECK ? limitedTo(held, [...caller.permissions]) : held;
  const missing = notDelegable(usable, permissions, untilMs);
  if (missing.length === 0) return;
  throw new AppError(
    "forbidden",
    `You can grant only what you hold yourself on ${product}, and for as long. Missing: ${missing.slice(0, 20).join(", ")}.`,
  );
}

const limitedTo = (held: readonly HeldPermission[], permissions: readonly string[]) =>
  held.flatMap(({ permission, untilMs }) =>
    intersection(permissions, [permission]).map((it) => ({ permission: it, untilMs })),
  );

/** @throws AppError bad_request that names permissions which the product does not have */
export function checkInCatalogue(product: Product, permissions: readonly string[]): void {
  const unknown = unknownPermissions(product.permissions, permissions);
  if (unknown.length === 0) return;
  throw invalidField(
    "permissions",
    "unknown_permission",
    `${product.slug} has no ${unknown.slice(0, 20).join(", ")}: add it to the product's permissions first`,
  );
}

/** Run it after the change, in its transaction. @throws AppError bad_request if the permissions no longer fit into a token */
export async function checkScopeLength(
  tx: Queryable,
  { nowMs }: CallContext,
  of: { productId: string; subjectId?: string; roleId?: string },
): Promise<void> {
  if ((await scopeChars(tx, of, nowMs)) <= SCOPE_CHARS_MAX) return;
  const message = `the permissions would exceed the ${SCOPE_CHARS_MAX} characters that fit into an access token: grant fewer and wider ones`;
  throw invalidField("permissions", "too_many", message);
}
