import { DatabaseSync } from "node:sqlite";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import {
  type Change,
  type EcsState,
  EMPTY_STATE,
  ENTITIES,
  type EntityKind,
  KINDS,
} from "./state.ts";

const Row = z.object({ arn: z.string(), body: z.string() });

/** The state on disk, in an SQLite database: each write is kept whole or not at all, whenever the process is killed. */
export class StateFile {
  readonly #database: DatabaseSync;
  readonly #file: string;

  /** @throws AppError if the file cannot be used */
  constructor(file: string) {
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS entity (
          kind TEXT NOT NULL, arn TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, arn)
        ) WITHOUT ROWID;
      `);
    } catch (error) {
      throw unusable(file, error);
    }
    this.#file = file;
  }

  /** @throws AppError if it has anything that this version does not know */
  read(): EcsState {
    try {
      return this.#read();
    } catch (error) {
      throw unusable(this.#file, error);
    }
  }

  #read(): EcsState {
    const select = this.#database.prepare("SELECT arn, body FROM entity WHERE kind = ?");
    const entities = KINDS.map((kind) => {
      const rows = z.array(Row).parse(select.all(kind));
      return [kind, new Map(rows.map(({ arn, body }) => [arn, parseEntity(kind, body)]))];
    });
    return { ...EMPTY_STATE, ...Object.fromEntries(entities) };
  }

  write(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const put = this.#database.prepare("INSERT OR REPLACE INTO entity VALUES (?, ?, ?)");
    const remove = this.#database.prepare("DELETE FROM entity WHERE kind = ? AND arn = ?");
    this.#database.exec("BEGIN");
    try {
      for (const { kind, arn, body } of changes) {
        if (body === undefined) remove.run(kind, arn);
        else put.run(kind, arn, JSON.stringify(body));
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

const parseEntity = (kind: EntityKind, body: string): unknown =>
  ENTITIES[kind].parse(JSON.parse(body));

const unusable = (file: string, cause: unknown): AppError =>
  new AppError(
    "unavailable",
    `${file} cannot be used. Restore it from a backup, or end the processes of all tasks and delete it.`,
    { cause },
  );
