import type { AuditEntry } from "../journal/port.ts";
import { type Command, PERMISSIONS } from "../machine/commands.ts";
import type { Deploy } from "../machine/deploy.ts";

export const commandAudit = (
  before: Deploy,
  after: Deploy,
  { kind, actor, reason }: Command,
): AuditEntry => ({
  atMs: after.history.at(-1)?.atMs ?? 0,
  actor,
  action: PERMISSIONS[kind],
  target: after.id,
  reason,
  before: summary(before),
  after: summary(after),
});

const summary = ({ state, paused, forced }: Deploy): unknown => ({
  state,
  isPaused: paused !== null,
  forced,
});

export const freezeAudit = (
  target: string,
  entry: Pick<AuditEntry, "actor" | "reason" | "before" | "after" | "atMs">,
): AuditEntry => ({ ...entry, action: PERMISSIONS.freeze, target });
