import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  type Grant,
  deleteGrant,
  insertGrant,
  readGrant,
  updateGrant,
} from "../repositories/grants.ts";
import { readProduct } from "../repositories/products.ts";
import { type Role, readRole, readRoleByName } from "../repositories/roles.ts";
import { subjectExists } from "../repositories/service-accounts.ts";
import {
  type CallContext,
  type CommandDeps,
  actorOf,
  found,
  invalidField,
  nameTaken,
} from "./call-context.ts";
import { checkDelegation, checkInCatalogue, checkScopeLength } from "./check-delegation.ts";

type NewGrant = {
  subjectId: string;
  product: string;
  role?: string | undefined;
  permissions: string[];
  expiresAtMs: number | null;
  reason: string;
};

/** Grants a role or permissions on a product to an account or a service account. */
export async function createGrant(
  tx: Queryable,
  call: CallContext,
  { body, ...deps }: CommandDeps & { body: NewGrant },
): Promise<Grant> {
  const { subjectId, permissions, expiresAtMs, reason } = body;
  checkInFuture(expiresAtMs, call.nowMs);
  const product = await readProduct(tx, body.product, "FOR SHARE");
  if (product === undefined) throw invalidField("product", "unknown", "there is no such product");
  const role = await roleNamed(tx, product.id, body.role);
  if (!(await subjectExists(tx, subjectId))) {
    throw invalidField("subjectId", "unknown", "there is no such account or service account");
  }
  checkInCatalogue(product, permissions);
  await checkDelegation(tx, call, {
    product: product.slug,
    permissions: [...permissions, ...(role?.permissions ?? [])],
    untilMs: expiresAtMs ?? undefined,
  });
  const grant = await insertGrant(tx, {
    id: newId("grt"),
    subjectId,
    productId: product.id,
    roleId: role?.id ?? null,
    permissions,
    expiresAtMs,
    reason,
    grantedBy: actorOf(call.caller),
    createdAtMs: call.nowMs,
  });
  if (grant === undefined) {
    throw nameTaken("role", `${subjectId} already has the role ${role?.name}: change that grant.`);
  }
  await checkScopeLength(tx, call, { productId: product.id, subjectId });
  await publishGrant(tx, call, { ...deps, grant, action: "create" });
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

type GrantChange = {
  permissions?: string[] | undefined;
  expiresAtMs?: number | null | undefined;
  reason: string;
};
type GrantRequest = CommandDeps & { id: string; ifMatch: number | undefined };

/** Reducing a grant is always allowed; what is added or lasts longer the caller must hold. */
export async function changeGrant(
  tx: Queryable,
  call: CallContext,
  { body, ...request }: GrantRequest & { body: GrantChange },
): Promise<Grant> {
  const before = await lockGrant(tx, request);
  const after = {
    permissions: body.permissions ?? before.permissions,
    expiresAtMs: body.expiresAtMs === undefined ? before.expiresAtMs : body.expiresAtMs,
    reason: body.reason,
    grantedBy: actorOf(call.caller),
  };
  if (after.expiresAtMs !== before.expiresAtMs) checkInFuture(after.expiresAtMs, call.nowMs);
  checkInCatalogue(found(await readProduct(tx, before.product), "product"), after.permissions);
  const role = before.roleId === null ? undefined : await readRole(tx, before.roleId, "FOR SHARE");
  const longer = (after.expiresAtMs ?? Infinity) > (before.expiresAtMs ?? Infinity);
  await checkDelegation(tx, call, {
    product: before.product,
    permissions: longer
      ? [...after.permissions, ...(role?.permissions ?? [])]
      : after.permissions.filter((it) => !before.permissions.includes(it)),
    untilMs: after.expiresAtMs ?? undefined,
  });
  const grant = await updateGrant(tx, request.id, { ...after, nowMs: call.nowMs });
  await checkScopeLength(tx, call, { productId: before.productId, subjectId: before.subjectId });
  await publishGrant(tx, call, { ...request, grant, action: "change" });
  return grant;
}

export async function removeGrant(
  tx: Queryable,
  call: CallContext,
  request: GrantRequest,
): Promise<void> {
  const grant = await lockGrant(tx, request);
  await deleteGrant(tx, request.id);
  await publishGrant(tx, call, { ...request, grant, action: "delete" });
}

/** Locks the product before the grant, as everywhere, so that its catalogue does not change. */
async function lockGrant(tx: Queryable, { id, ifMatch }: GrantRequest): Promise<Grant> {
  const { product } = found(await readGrant(tx, id), "grant");
  await readProduct(tx, product, "FOR SHARE");
  const grant = found(await readGrant(tx, id, "FOR UPDATE"), "grant");
  checkVersion(ifMatch, grant.version);
  return grant;
}

function checkInFuture(expiresAtMs: number | null, nowMs: number): void {
  if (expiresAtMs === null || expiresAtMs > nowMs) return;
  throw invalidField("expiresAt", "past", "give a time in the future, or null for no end");
}

const PARTICIPLE = { create: "created", change: "changed", delete: "deleted" } as const;

/** Audits and publishes a change of a grant. */
async function publishGrant(
  tx: Queryable,
  call: CallContext,
  about: Pick<CommandDeps, "kit" | "audit" | "invalidateTokens"> & {
    grant: Grant;
    action: keyof typeof PARTICIPLE;
  },
): Promise<void> {
  const { grant, action } = about;
  const { subjectId, product, role, permissions, expiresAtMs, reason } = grant;
  await about.audit(tx, call, {
    action: `grant.${action}`,
    target: grant.id,
    accountId: subjectId.startsWith("acc_") ? subjectId : undefined,
    detail: { subjectId, product, role, permissions, expiresAtMs, reason },
  });
  // The permissions of API keys are computed at each use, those of access tokens are fixed until they expire.
  if (subjectId.startsWith("svc_")) await about.invalidateTokens(tx, subjectId);
  await about.kit.publish(tx, {
    type: `grant.${PARTICIPLE[action]}`,
    subject: subjectId,
    atMs: call.nowMs,
    traceId: call.traceId,
    data: { grantId: grant.id, subjectId, product, role, permissions },
  });
}
