/** A permission on a product; `untilMs` is its expiry. */
export type HeldPermission = { permission: string; untilMs: number | undefined };

/**
 * `service:resource:action`, optionally narrowed to a scope: `billing:refunds:write`, `logging:logs:read/nginx.*`.
 * `billing:*` is all permissions of a service.
 */
export const PERMISSION =
  /^[a-z][a-z0-9-]{0,39}:(?:\*|[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}(?:\/[\w.*-]{1,100})?)$/;

/** Whether `held` includes all that `wanted` allows. */
export function covers(held: string, wanted: string): boolean {
  if (held === wanted) return true;
  const [service = ""] = wanted.split(":");
  return held === `${service}:*` || wanted.startsWith(`${held}/`);
}

/** The wanted permissions that the granter does not hold, or not for as long, and therefore cannot delegate. */
export function notDelegable(
  held: readonly HeldPermission[],
  wanted: readonly string[],
  untilMs: number | undefined,
): string[] {
  const lastsAsLong = (it: HeldPermission): boolean =>
    it.untilMs === undefined || (untilMs !== undefined && untilMs <= it.untilMs);
  return wanted.filter(
    (permission) => !held.some((it) => covers(it.permission, permission) && lastsAsLong(it)),
  );
}

/** The earliest end; undefined if there is none. */
export function earliest(ends: readonly (number | undefined)[]): number | undefined {
  const end = Math.min(...ends.map((it) => it ?? Infinity));
  return end === Infinity ? undefined : end;
}

/** The intersection of two sets of permissions: of `a:*` and `a:b:c` the narrower one. */
export function intersection(held: readonly string[], wanted: readonly string[]): string[] {
  const all = [
    ...wanted.filter((it) => held.some((has) => covers(has, it))),
    ...held.filter((has) => wanted.some((it) => covers(it, has))),
  ];
  return [...new Set(all)].toSorted();
}
