export type AuditEntry = {
  atMs: number;
  /** `acc_…`, `svc_…`, `root`, `system`, or `anonymous`. */
  actor: string;
  /** `session.start`, `password.change`, `grant.create` … */
  action: string;
  outcome: "success" | "failure";
  /** Id of the account, service account or other object, if known. */
  subject: string | undefined;
  address?: string;
  userAgent?: string;
  traceId?: string;
  /** Never contains a secret. */
  detail?: Readonly<Record<string, unknown>>;
  /** Unique: limits entries about repeated events. */
  onceKey?: string;
};
