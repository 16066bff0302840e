/** What somebody holds on a product; `untilMs` (epoch ms) where it ends. */
export type HeldPermission = { permission: string; untilMs: number | undefined };

/**
 * A permission names a service, a thing and a deed, and may be narrowed to a scope: `billing:refunds:write`,
 * `logging:logs:read/nginx.*`. `billing:*` is everything of a service.
 */
export const PERMISSION =
  /^[a-z][a-z0-9-]{0,39}:(?:\*|[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}(?:\/[\w.*-]{1,100})?)$/;

/** Whether whoever holds `held` may do everything that `wanted` allows. */
export function covers(held: string, wanted: string): boolean {
  if (held === wanted) return true;
  const [service = ""] = wanted.split(":");
  return held === `${service}:*` || wanted.startsWith(`${held}/`);
}

/**
 * What of the wanted permissions the granter cannot give: what it does not hold itself, or not for as long. Nobody can
 * raise themselves or others above what they have.
 */
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

/** When the first of it ends; undefined where nothing does. */
export function earliest(ends: readonly (number | undefined)[]): number | undefined {
  const first = Math.min(...ends.map((it) => it ?? Infinity));
  return first === Infinity ? undefined : first;
}

/** What is left of the wanted permissions when only what is held counts; of `a:*` and `a:b:c` the narrower one. */
export function intersection(held: readonly string[], wanted: readonly string[]): string[] {
  const all = [
    ...wanted.filter((it) => held.some((has) => covers(has, it))),
    ...held.filter((has) => wanted.some((it) => covers(it, has))),
  ];
  return [...new Set(all)].toSorted();
}
