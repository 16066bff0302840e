import type { Deploy } from "../machine/deploy.ts";
import type { Effect } from "../machine/effects.ts";
import type { Freeze } from "../machine/freezes.ts";
import type { Train } from "../machine/train.ts";
import type { Workload } from "../machine/workload.ts";

/** What a controller starts from: all workloads, freezes and trains, and the deploys that have not ended. */
export type Records = {
  workloads: Workload[];
  deploys: Deploy[];
  trains: Train[];
  freezes: Freeze[];
};

/** The intent of an effect. It is durable before the effect is sent. */
export type Intent = {
  /** Unique over all writers. */
  id: string;
  workload: string;
  deploy: string | null;
  effect: Effect;
  atMs: number;
};

export type Result = {
  id: string;
  /** `failed`: without a reply, it may still take effect. */
  status: "ok" | "failed";
  /** The reply, or the error, for people. */
  reply: string;
  atMs: number;
};

export type EffectRecord = Intent & { result: Omit<Result, "id"> | undefined };

/** Who did what; entries are only ever added, and each has the hash of the one before it. */
export type AuditEntry = {
  atMs: number;
  actor: string;
  /** The name of the permission. */
  action: string;
  /** The id of a deploy, train or freeze. */
  target: string;
  reason: string;
  before: unknown;
  after: unknown;
};
export type AuditRecord = AuditEntry & { seq: number; hash: string };

/**
 * Records to write. The version of each is one more than that of the stored one (1 for a new one): another version
 * means that somebody else has changed it.
 */
export type Change = {
  workloads?: readonly Workload[];
  deploys?: readonly Deploy[];
  trains?: readonly Train[];
  freezes?: readonly Freeze[];
  /** Ids of freezes to remove. */
  thawed?: readonly string[];
  intents?: readonly Intent[];
  results?: readonly Result[];
  audit?: readonly AuditEntry[];
};

/** A change of nothing, for what a change leaves out. */
export const NO_CHANGE: Required<Change> = {
  workloads: [],
  deploys: [],
  trains: [],
  freezes: [],
  thawed: [],
  intents: [],
  results: [],
  audit: [],
};

/** Only what one writer at a time may write. */
export type Journal = AsyncDisposable & {
  /** Higher than that of every writer before. */
  readonly fence: number;
  /** Aborts when another writer has taken over, or may have. */
  readonly lost: AbortSignal;
  load(): Promise<Records>;
  /**
   * All of it becomes durable, or nothing.
   * @throws AppError precondition_failed if another writer has taken over; conflict if a version does not fit or a
   *   workload would have two active deploys. After any other error the outcome is unknown: `load` again.
   */
  commit(change: Change): Promise<void>;
  deploy(id: string): Promise<Deploy | undefined>;
  /** The deploy that was requested with this Idempotency-Key. */
  requested(key: string): Promise<Deploy | undefined>;
  /** Newest first, older than the place `before`. */
  history(page: { workload?: string; before: number; limit: number }): Promise<Deploy[]>;
  /** Of a deploy, in the order in which they were intended. */
  effects(deploy: string): Promise<EffectRecord[]>;
  /** Oldest first, after the entry `after`. */
  audit(page: { after: number; limit: number }): Promise<AuditRecord[]>;
};
