import type { Queryable } from "#platform/postgres/database.ts";

export type AuditEntry = {
  atMs: number;
  /** A member's id; `setup` before there is one; the e-mail address of a refused sign-in. */
  actor: string;
  action:
    | "member.create"
    | "session.start"
    | "session.refuse"
    | "session.end"
    | "source.add"
    | "source.change"
    | "source.remove"
    | "source.reread"
    | "push-token.create"
    | "push-token.remove"
    | "deploy-token.create"
    | "deploy-token.remove"
    | "format.save"
    | "format.remove";
  target: string;
  before?: unknown;
  after?: unknown;
  /** IP address of the client. */
  address: string;
};

/** Adds an entry to the audit log; in the transaction of the action. */
export async function record(queryable: Queryable, entry: AuditEntry): Promise<void> {
  const { atMs, actor, action, target, before = null, after = null, address } = entry;
  await queryable.query(
    "INSERT INTO audit (at, actor, action, target, before, after, address) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    [new Date(atMs), actor, action, target, json(before), json(after), address],
  );
}

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
