import { z } from "zod";

export type MemberId = `mem_${string}`;
const Role = z.enum(["owner", "member"]);

export type Member = {
  id: MemberId;
  email: string;
  name: string;
  role: z.infer<typeof Role>;
};

/** GET /api/me */
export const Me = z.object({
  memberId: z.string(),
  email: z.string(),
  name: z.string(),
  role: Role,
});
export type Me = z.infer<typeof Me>;

/** GET /api/setup: whether the first owner has not been created yet. */
export const SetupState = z.object({ open: z.boolean() });

/** A member as a database row. */
export const MemberRow = z
  .object({
    id: z.templateLiteral(["mem_", z.string()]),
    email: z.string(),
    name: z.string(),
    role: Role,
  })
  .strip();

/** A normalized e-mail address, for comparison. */
export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, { error: "an e-mail address has at most 254 characters" })
  .pipe(z.email({ error: "this is not an e-mail address" }));
