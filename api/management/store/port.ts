import type { Queryable } from "#platform/postgres/database.ts";

import type { Application, Revision, RevisionFacts } from "../domain/application.ts";

/**
 * Storage of applications and their revisions. Writes receive the PostgreSQL transaction of the response; a store
 * outside PostgreSQL ignores it and is idempotent by `request` instead.
 */
export interface SettingsStore {
  /** The current application, consistent with what `commit` compares. */
  load(tx: Queryable, name: string): Promise<Application | undefined>;
  /**
   * The application, possibly slightly stale (from a replica). At least version `from.version` if given, and what the
   * caller wrote before `from.after` (the `read-after` of a response).
   */
  peek(
    name: string,
    from: { version: number; after?: string | undefined },
  ): Promise<Application | undefined>;
  /**
   * Must make the revision and the application of the same version visible atomically. False when the application is
   * no longer at the previous version (or exists, for version 1).
   */
  commit(tx: Queryable, change: Commit): Promise<boolean>;
  /** The revision written by an earlier attempt of a request. */
  done(tx: Queryable, name: string, request: string): Promise<Revision | undefined>;
  /** Sorted by name, starting after the name `after`. */
  list(range: { after: string; limit: number }): Promise<Application[]>;
  /** Newest first, older than `before`. */
  history(name: string, range: { before: number; limit: number }): Promise<RevisionFacts[]>;
  /** Oldest first, newer than `after`; must include everything committed. */
  since(tx: Queryable, name: string, range: { after: number; limit: number }): Promise<Revision[]>;
  revision(name: string, revision: number): Promise<Revision | undefined>;
  /** Names of the applications that currently refer to a secret (at most 10). */
  referringTo(tx: Queryable, secret: string): Promise<string[]>;
  /** Rejects when the store is unavailable. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export type Commit = {
  application: Application;
  revision: Revision;
  /** Names of the secrets that the content refers to. */
  secrets: readonly string[];
  /** Hash of the caller and the Idempotency-Key; undefined without a key. */
  request: string | undefined;
};
