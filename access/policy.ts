import type { Member, MemberId } from "./member.ts";

/**
 * The capabilities in ascending order; each includes those before it. `chart`: see aggregates; `view`: also see raw
 * events; `manage`: change the target; `own`: also grant it to others.
 */
export const CAPABILITIES = ["chart", "view", "manage", "own"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** One object (`board:home`, `dataset:nginx.access`), all objects of a kind (`dataset:*`), or everything (`*`). */
export type Target = `${string}:${string}` | "*";

export type Grant = {
  memberId: MemberId;
  capability: Capability;
  target: Target;
  /** Epoch ms; null: until it is revoked. */
  expiresMs: number | null;
};

/** The member whose rights are checked, and the time of the check. */
export type Subject = { member: Member; grants: readonly Grant[]; nowMs: number };

/** The only place that decides about rights: owners may do everything, other members what a valid grant covers. */
export function can(subject: Subject, capability: Capability, target: Target): boolean {
  if (subject.member.role === "owner") return true;
  const needed = CAPABILITIES.indexOf(capability);
  return subject.grants.some(
    (grant) =>
      grant.memberId === subject.member.id &&
      CAPABILITIES.indexOf(grant.capability) >= needed &&
      covers(grant.target, target) &&
      (grant.expiresMs === null || grant.expiresMs > subject.nowMs),
  );
}

export type Explanation = { allowed: boolean; reason: string };

/** The reason for the result of `can`, for the member concerned. */
export function explain(subject: Subject, capability: Capability, target: Target): Explanation {
  const { member, nowMs } = subject;
  const wanted = `${capability} ${target}`;
  if (member.role === "owner") return { allowed: true, reason: `${member.name} is an owner.` };
  const near = subject.grants.filter(
    (grant) => grant.memberId === member.id && covers(grant.target, target),
  );
  const strong = near.filter((grant) => includes(grant.capability, capability));
  const valid = strong.find((grant) => grant.expiresMs === null || grant.expiresMs > nowMs);
  if (valid !== undefined) {
    return {
      allowed: true,
      reason: `The grant "${valid.capability} ${valid.target}" covers it${until(valid)}.`,
    };
  }
  const [expired] = strong;
  if (expired !== undefined) {
    return {
      allowed: false,
      reason: `The grant "${expired.capability} ${expired.target}" ended${until(expired)}.`,
    };
  }
  const [weak] = near;
  const reason =
    weak === undefined
      ? `Nobody has granted ${member.name} "${wanted}".`
      : `The grant "${weak.capability} ${weak.target}" does not include ${capability}.`;
  return { allowed: false, reason };
}

function includes(granted: Capability, wanted: Capability): boolean {
  return CAPABILITIES.slice(0, CAPABILITIES.indexOf(granted) + 1).includes(wanted);
}

function covers(granted: Target, target: Target): boolean {
  if (granted === "*" || granted === target) return true;
  const [kind] = target.split(":");
  return granted === `${kind}:*`;
}

const until = (grant: Grant): string =>
  grant.expiresMs === null ? "" : ` on ${new Date(grant.expiresMs).toISOString()}`;
