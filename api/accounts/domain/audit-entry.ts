/** One decision: who did or tried what to whom, from where, and what came of it. */
export type AuditEntry = {
  atMs: number;
  /** `acc_…`, `svc_…`, `root`, `system`, or `anonymous`. */
  actor: string;
  /** `session.start`, `password.change`, `grant.create` … */
  action: string;
  outcome: "success" | "failure";
  /** The account, service account or thing that it is about; undefined where none is known. */
  subject: string | undefined;
  address?: string;
  userAgent?: string;
  traceId?: string;
  /** Why it was refused, or what was changed. Never a secret. */
  detail?: Readonly<Record<string, unknown>>;
  /** At most one entry has it: what repeats without end is written down once. */
  onceKey?: string;
};
