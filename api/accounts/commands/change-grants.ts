import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { Grant, Role } from "../domain/products.ts";
import { deleteGrant, insertGrant, readGrant, updateGrant } from "../repositories/grants.ts";
import { readProduct } from "../repositories/products.ts";
import { readRole, readRoleByName } from "../repositories/roles.ts";
import { subjectExists } from "../repositories/service-accounts.ts";
import {
  type Act,
  type CommandDeps,
  actorOf,
  found,
  nameTaken,
  invalidField,
} from "./call-context.ts";
import { checkScopeLength, checkInCatalogue, checkDelegation } from "./check-delegation.ts";

export type NewGrant = {
  subjectId: string;
  product: string;
  role?: string | undefined;
  permissions: readonly string[];
  expiresAtMs: number | null;
  reason: string;
};

/** Gives a role or permissions on a product to an account or a service account. */
export async function createGrant(
  tx: Queryable,
  act: Act,
  { kit, audit, invalidateTokens, body }: CommandDeps & { body: NewGrant },
): Promise<Grant> {
  checkInFuture(body.expiresAtMs, act.nowMs);
  const product = await readProduct(tx, body.product, "for share");
  if (product === undefined) throw invalidField("product", "unknown", "there is no such product");
  const role = await roleNamed(tx, product.id, body.role);
  if (!(await subjectExists(tx, body.subjectId))) {
    throw invalidField("subjectId", "unknown", "there is no such account or service account");
  }
  checkInCatalogue(product, body.permissions);
  await checkDelegation(tx, act, {
    product: product.slug,
    permissions: [...body.permissions, ...(role?.permissions ?? [])],
    untilMs: body.expiresAtMs ?? undefined,
  });
  const id = newId("grt");
  const inserted = await insertGrant(tx, {
    id,
    subjectId: body.subjectId,
    productId: product.id,
    roleId: role?.id ?? null,
    permissions: body.permissions,
    expiresAtMs: body.expiresAtMs,
    reason: body.reason,
    grantedBy: actorOf(act),
    createdAtMs: act.nowMs,
  });
  if (!inserted) {
    throw nameTaken(
      "role",
      `${body.subjectId} has the role ${role?.name} already: change that grant.`,
    );
  }
  await checkScopeLength(tx, act, { productId: product.id, subjectId: body.subjectId });
  const grant = found(await readGrant(tx, id), "grant");
  await tell(tx, act, { kit, audit, invalidateTokens, grant, deed: "create" });
  return grant;
}

async function roleNamed(
  tx: Queryable,
  productId: string,
  name: string | undefined,
): Promise<Role | undefined> {
  if (name === undefined) return undefined;
  const role = await readRoleByName(tx, { productId, name });
  if (role === undefined) throw invalidField("role", "unknown", "the product has no such role");
  return role;
}

export type GrantChange = {
  permissions?: readonly string[] | undefined;
  expiresAtMs?: number | null | undefined;
  reason: string;
};
type GrantRequest = CommandDeps & { id: string; ifMatch: number | undefined };

/** Taking away is free; what is added, or lasts longer than before, the one who changes it must hold. */
export async function changeGrant(
  tx: Queryable,
  act: Act,
  { kit, audit, invalidateTokens, id, ifMatch, body }: GrantRequest & { body: GrantChange },
): Promise<Grant> {
  const before = await lockGrant(tx, id);
  checkVersion(ifMatch, before.version);
  const after = {
    ...before,
    permissions: body.permissions ?? before.permissions,
    expiresAtMs: body.expiresAtMs === undefined ? before.expiresAtMs : body.expiresAtMs,
    reason: body.reason,
    grantedBy: actorOf(act),
  };
  if (after.expiresAtMs !== before.expiresAtMs) checkInFuture(after.expiresAtMs, act.nowMs);
  checkInCatalogue(found(await readProduct(tx, before.product), "product"), after.permissions);
  const role = before.roleId === null ? undefined : await readRole(tx, before.roleId, "for share");
  const longer = (after.expiresAtMs ?? Infinity) > (before.expiresAtMs ?? Infinity);
  await checkDelegation(tx, act, {
    product: before.product,
    permissions: longer
      ? [...after.permissions, ...(role?.permissions ?? [])]
      : after.permissions.filter((it) => !before.permissions.includes(it)),
    untilMs: after.expiresAtMs ?? undefined,
  });
  await updateGrant(tx, after, act.nowMs);
  await checkScopeLength(tx, act, { productId: before.productId, subjectId: before.subjectId });
  const grant = found(await readGrant(tx, id), "grant");
  await tell(tx, act, { kit, audit, invalidateTokens, grant, deed: "change" });
  return grant;
}

export async function removeGrant(
  tx: Queryable,
  act: Act,
  { kit, audit, invalidateTokens, id, ifMatch }: GrantRequest,
): Promise<void> {
  const grant = await lockGrant(tx, id);
  checkVersion(ifMatch, grant.version);
  await deleteGrant(tx, id);
  await tell(tx, act, { kit, audit, invalidateTokens, grant, deed: "delete" });
}

/** The product first, then the grant, as everywhere: a catalogue does not change under it. */
async function lockGrant(tx: Queryable, id: string): Promise<Grant> {
  const { product } = found(await readGrant(tx, id), "grant");
  await readProduct(tx, product, "for share");
  return found(await readGrant(tx, id, "for update"), "grant");
}

function checkInFuture(expiresAtMs: number | null, nowMs: number): void {
  if (expiresAtMs === null || expiresAtMs > nowMs) return;
  throw invalidField("expiresAt", "past", "give a time to come, or null for no end");
}

const PAST = { create: "created", change: "changed", delete: "deleted" } as const;

async function tell(
  tx: Queryable,
  act: Act,
  about: Pick<CommandDeps, "kit" | "audit" | "invalidateTokens"> & {
    grant: Grant;
    deed: keyof typeof PAST;
  },
): Promise<void> {
  const { grant, deed } = about;
  const { subjectId, product, role, permissions, expiresAtMs, reason } = grant;
  await about.audit(tx, act, {
    action: `grant.${deed}`,
    target: grant.id,
    accountId: subjectId.startsWith("acc_") ? subjectId : undefined,
    detail: { subjectId, product, role, permissions, expiresAtMs, reason },
  });
  // Keys say at each use what they may do; tokens keep what they say until they expire.
  if (subjectId.startsWith("svc_")) await about.invalidateTokens(tx, subjectId);
  await about.kit.publish(tx, {
    type: `grant.${PAST[deed]}`,
    subject: subjectId,
    atMs: act.nowMs,
    traceId: act.traceId,
    data: { grantId: grant.id, subjectId, product, role, permissions },
  });
}
