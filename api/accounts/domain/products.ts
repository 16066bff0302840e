import { covers } from "./grants.ts";

/** The product of the domain APIs, which define its permissions. */
export const QUARTERDECK = "quarterdeck";

type Catalogue = readonly { name: string }[];

/** The permissions that are not in the catalogue of a product; a null catalogue is unlimited. */
export function unknownPermissions(
  catalogue: Catalogue | null,
  permissions: readonly string[],
): string[] {
  if (catalogue === null) return [];
  return permissions.filter(
    (it) => !catalogue.some(({ name }) => covers(name, it) || covers(it, name)),
  );
}

export function removedPermissions(before: Catalogue | null, after: Catalogue): string[] {
  const kept = new Set(after.map((it) => it.name));
  return (before ?? []).map((it) => it.name).filter((name) => !kept.has(name));
}
