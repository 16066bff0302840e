import { covers } from "./grants.ts";

/** The product that the domain APIs themselves are: its permissions are those of their catalogues. */
export const QUARTERDECK = "quarterdeck";

export type Permission = { name: string; description: string };

export type Product = {
  id: string;
  slug: string;
  name: string;
  description: string;
  /** Its catalogue; null: any, as its services have catalogues of their own. */
  permissions: readonly Permission[] | null;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
};

export type Role = {
  id: string;
  productId: string;
  /** Slug of the product. */
  product: string;
  name: string;
  description: string;
  permissions: readonly string[];
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
};

export type Grant = {
  id: string;
  /** `acc_…` or `svc_…`. */
  subjectId: string;
  productId: string;
  product: string;
  roleId: string | null;
  role: string | null;
  permissions: readonly string[];
  /** Epoch ms; null: until it is taken back. */
  expiresAtMs: number | null;
  reason: string;
  grantedBy: string;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
};

/** Which of these permissions the product does not know. */
export function unknownPermissions(
  catalogue: Product["permissions"],
  permissions: readonly string[],
): string[] {
  if (catalogue === null) return [];
  return permissions.filter(
    (it) => !catalogue.some(({ name }) => covers(name, it) || covers(it, name)),
  );
}

/** A change of a catalogue: which permissions are no longer in it. */
export function removedPermissions(
  before: Product["permissions"],
  after: readonly Permission[],
): string[] {
  const kept = new Set(after.map((it) => it.name));
  return (before ?? []).map((it) => it.name).filter((name) => !kept.has(name));
}
