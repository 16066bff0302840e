import { z } from "zod";

import type { Queryable } from "#platform/postgres/database.ts";

import type { MemberId } from "./member.ts";
import { CAPABILITIES, type Grant, type Target } from "./policy.ts";

const GrantRow = z.object({
  member_id: z.templateLiteral(["mem_", z.string()]),
  capability: z.enum(CAPABILITIES),
  target: z.custom<Target>(
    (text) => typeof text === "string" && (text === "*" || text.includes(":")),
  ),
  expires_at: z.date().nullable(),
});

/** The grants of a member, including expired ones: `can` checks the time. */
export async function grantsOf(queryable: Queryable, memberId: MemberId): Promise<Grant[]> {
  const rows = await queryable.query(
    "SELECT member_id, capability, target, expires_at FROM grants WHERE member_id = $1",
    [memberId],
  );
  return rows.map((row) => {
    const { member_id, capability, target, expires_at } = GrantRow.parse(row);
    return { memberId: member_id, capability, target, expiresMs: expires_at?.getTime() ?? null };
  });
}
