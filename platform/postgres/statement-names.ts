import { createHash } from "node:crypto";

/** Statements that run rarely are not worth the memory of a plan in each connection. */
const RUNS_UNNAMED = 10;
const NAMES_MAX = 64;
/** Texts that are counted before they get a name; those with a varying number of values are many. */
const COUNTED_MAX = 1_000;
/** Pages: a plan for any page size may sort a whole table instead of reading the start of an index. */
const PAGE = /\bLIMIT \$/;

/**
 * Names of prepared statements: PostgreSQL parses and plans a named statement once per connection. A name is a hash of
 * the text and its schema, because a connection may be shared through a pooler such as PgBouncer.
 */
export class StatementNames {
  readonly #schema: string;
  readonly #runs = new Map<string, number>();
  readonly #names = new Map<string, string | undefined>();

  constructor(schema = "") {
    this.#schema = schema;
  }

  /** Counts a run of the statement; undefined while it has no name. */
  nameOf(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= NAMES_MAX || this.#names.has(text)) return name;
    const runs = (this.#runs.get(text) ?? 0) + 1;
    if (runs <= RUNS_UNNAMED || PAGE.test(text)) {
      if (this.#runs.size >= COUNTED_MAX) this.#runs.clear();
      this.#runs.set(text, runs);
      return undefined;
    }
    this.#runs.delete(text);
    const hash = createHash("sha256").update(`${this.#schema}\0${text}`).digest("hex");
    const created = `quarterdeck_${hash.slice(0, 32)}`;
    this.#names.set(text, created);
    return created;
  }

  /** The statement is run without a name from now on. */
  withdraw(text: string): void {
    this.#names.set(text, undefined);
  }
}

/**
 * Errors of named statements, raised before anything is executed: a pooler passed the statement to a connection that does
 * not know the name, or knows it already, or the columns of a table were changed.
 */
const NAME_ERRORS = new Set(["26000", "42P05", "0A000"]);

export const isNameError = (error: unknown): boolean =>
  error instanceof Error && "code" in error && NAME_ERRORS.has(String(error.code));
