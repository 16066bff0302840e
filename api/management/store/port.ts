import type { Queryable } from "#platform/postgres/database.ts";

import type { Application, Revision, RevisionFacts } from "../domain/application.ts";

/**
 * Where applications and their revisions are kept. Writes are given the transaction in PostgreSQL in which the request
 * is answered; a store of another kind does without it, and is idempotent by `request` instead.
 */
export interface SettingsStore {
  /** The application as it is now; for a change: what is loaded must be what `commit` then compares with. */
  load(tx: Queryable, name: string): Promise<Application | undefined>;
  /**
   * The application as it was a moment ago: from a replica where there is one. At least version `from.version` when
   * that is given, and what the caller wrote before `from.after` (the `read-after` of an answer).
   */
  peek(
    name: string,
    from: { version: number; after?: string | undefined },
  ): Promise<Application | undefined>;
  /**
   * Must make the revision and the application of the same version visible together, or not at all. False when the
   * application is not at the version before it any more (or is there already, for version 1).
   */
  commit(tx: Queryable, change: Commit): Promise<boolean>;
  /** The revision that a request made before, however its answer was lost. */
  done(tx: Queryable, name: string, request: string): Promise<Revision | undefined>;
  /** By name, after `after`. */
  list(range: { after: string; limit: number }): Promise<Application[]>;
  /** Newest first, older than `before`. */
  history(name: string, range: { before: number; limit: number }): Promise<RevisionFacts[]>;
  /** Oldest first, newer than `after`; must see everything that was committed. */
  since(tx: Queryable, name: string, range: { after: number; limit: number }): Promise<Revision[]>;
  revision(name: string, revision: number): Promise<Revision | undefined>;
  /** Names of the applications that refer to a secret now (at most 10). */
  referringTo(tx: Queryable, secret: string): Promise<string[]>;
  /** Rejects when it cannot be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export type Commit = {
  application: Application;
  revision: Revision;
  /** Names of the secrets that it refers to. */
  secrets: readonly string[];
  /** Hash of who sent what Idempotency-Key; undefined: none was sent. */
  request: string | undefined;
};
