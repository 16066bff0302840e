import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { Timestamp, text } from "#platform/http/schema.ts";

import type { Act, CommandDeps } from "../commands/call-context.ts";
import { PERMISSION } from "../domain/grants.ts";

const PermissionName = z
  .string()
  .max(200)
  .regex(PERMISSION, { error: "give service:thing:verb, service:thing:verb/scope or service:*" })
  .meta({ example: "billing:refunds:write" });

/** Sorted, and each once. */
export const PermissionNames = z
  .array(PermissionName)
  .max(200)
  .transform((it) => [...new Set(it)].toSorted());

export const Slug = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, {
    error: "give 1 to 40 lower-case letters, digits and hyphens, a letter first",
  })
  .meta({ example: "web-shop" });

export const SubjectId = z
  .string()
  .regex(/^(?:acc|svc)_[0-9a-f]{24}$/, { error: "give an id that begins with acc_ or svc_" })
  .meta({ example: `acc_${"0".repeat(24)}` });

export const Words = text({ min: 0, max: 500 });

/** A moment to come, as epoch ms. */
export const Until = Timestamp.transform((it) => Date.parse(it));

/** Cursor of lists in the order of creation. */
export const ByAge = z.tuple([z.int().min(0).max(Date.UTC(3000, 0)), z.string().max(100)]);
/** Cursor of lists in the order of names. */
export const ByName = z.tuple([z.string().max(100)]);

/** Writes down, too, that something was refused because it would raise somebody above the one who asked. */
export async function auditRefusal<Answer>(
  deps: CommandDeps,
  call: Act,
  done: Promise<Answer>,
): Promise<Answer> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof AppError && error.code === "forbidden") {
      await deps.audit(deps.kit.database, call, {
        action: "grant.refuse",
        outcome: "failure",
        target: call.caller.id,
        detail: { why: error.message },
      });
    }
    throw error;
  }
}
