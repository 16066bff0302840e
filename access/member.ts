import { z } from "zod";

export type MemberId = `mem_${string}`;
const Role = z.enum(["owner", "member"]);

export type Member = {
  id: MemberId;
  email: string;
  name: string;
  role: z.infer<typeof Role>;
};

/** A member as the database has it. */
export const MemberRow = z
  .object({
    id: z.templateLiteral(["mem_", z.string()]),
    email: z.string(),
    name: z.string(),
    role: Role,
  })
  .strip();

/** What is compared: an address in one spelling. */
export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, { error: "an e-mail address has at most 254 characters" })
  .pipe(z.email({ error: "this is no e-mail address" }));
