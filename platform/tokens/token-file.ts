import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import { AppError } from "../errors.ts";
import { contendForLease } from "../lease/lease.ts";
import { hashToken, newToken } from "../secrets.ts";
import { readStateFile, writeStateFile } from "../state-file.ts";

const TOKENS_MAX = 1_000;
const LEASE_TRIES = 20;

export const TokenName = z.string().regex(/^[\w][\w .@/-]{0,79}$/, {
  error: "give a name of 1 to 80 letters, digits, spaces and ._@/-",
});

/** What every stored token has: no secret, of which there is only a hash. */
export const StoredToken = z.strictObject({
  id: z.string().regex(/^tok_[0-9a-f]{12}$/),
  name: TokenName,
  createdMs: z.number(),
  /** SHA-256 of the secret, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
type StoredToken = z.output<typeof StoredToken>;

const hashOf = (secret: string): string => hashToken(secret).toString("hex");

/** A token and its secret, which cannot be read again. */
export type NewToken<Token> = { token: Token; secret: string };

/**
 * Tokens of one kind in a file of the data folder: they are needed while PostgreSQL does not run, and commands change them
 * without a control plane.
 */
export class TokenFile<Token extends StoredToken> {
  readonly #kind: { name: string; schema: z.ZodType<Token>; prefix: string };

  /** `name`: of the file and its lease. `prefix`: of secrets, so that scanners of source code recognise them. */
  constructor(kind: { name: string; schema: z.ZodType<Token>; prefix: string }) {
    this.#kind = kind;
  }

  /** Oldest first. @throws AppError if the file is damaged */
  list(dataFolder: string): Token[] {
    const { value, damage } = readStateFile(this.#fileIn(dataFolder), z.array(this.#kind.schema));
    if (damage !== undefined) {
      const advice = "restore it from a backup, or delete it and make new tokens";
      throw new AppError("unavailable", `${damage}: ${advice}.`, { waitMs: 5_000 });
    }
    return value ?? [];
  }

  /** @throws AppError conflict if the name is in use */
  add(
    dataFolder: string,
    request: Omit<Token, "id" | "createdMs" | "hash"> & { name: string },
    nowMs: number,
  ): Promise<NewToken<Token>> {
    return this.#changing(dataFolder, (tokens) => {
      if (tokens.some(({ name }) => name === request.name)) {
        const advice = "choose another name, or remove that token first";
        throw new AppError("conflict", `There is a token named ${request.name}: ${advice}.`);
      }
      if (tokens.length >= TOKENS_MAX) {
        throw new AppError("conflict", `There are ${TOKENS_MAX} tokens: remove unused ones first.`);
      }
      const secret = `${this.#kind.prefix}${newToken()}`;
      const id = `tok_${randomBytes(6).toString("hex")}`;
      const token = this.#kind.schema.parse({
        ...request,
        id,
        createdMs: nowMs,
        hash: hashOf(secret),
      });
      return { tokens: [...tokens, token], result: { token, secret } };
    });
  }

  /** The next request with this token is refused. Returns the removed token. @throws AppError not_found */
  remove(dataFolder: string, idOrName: string): Promise<Token> {
    return this.#changing(dataFolder, (tokens) => {
      const removed = tokens.find(({ id, name }) => id === idOrName || name === idOrName);
      if (!removed) throw new AppError("not_found", `There is no token ${idOrName}.`);
      return { tokens: tokens.filter((it) => it !== removed), result: removed };
    });
  }

  /** Finds tokens by their secret. */
  reader(dataFolder: string): TokenReader<Token> {
    return new TokenReader(this.#fileIn(dataFolder), () => this.list(dataFolder));
  }

  #fileIn(dataFolder: string): string {
    return path.join(dataFolder, `${this.#kind.name}.json`);
  }

  /** Several processes may change the file: one at a time does. */
  async #changing<T>(
    dataFolder: string,
    change: (tokens: readonly Token[]) => { tokens: Token[]; result: T },
  ): Promise<T> {
    const locks = path.join(dataFolder, "locks");
    await mkdir(locks, { recursive: true, mode: 0o700 });
    for (let tries = 0; tries < LEASE_TRIES; tries += 1) {
      const found = await contendForLease(locks, this.#kind.name);
      if ("holder" in found) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      await using lease = found.lease;
      const { tokens, result } = change(this.list(dataFolder));
      if (!(await lease.confirm())) break;
      writeStateFile(this.#fileIn(dataFolder), tokens);
      return result;
    }
    throw new AppError("unavailable", "Another process is changing the tokens: try again.", {
      waitMs: 1_000,
    });
  }
}

/** The tokens by the hash of their secret, read again when the file has changed. */
export class TokenReader<Token extends StoredToken> {
  readonly #file: string;
  readonly #list: () => Token[];
  #byHash: ReadonlyMap<string, Token> = new Map();
  #version = "";

  constructor(file: string, list: () => Token[]) {
    this.#file = file;
    this.#list = list;
  }

  /**
   * The token with this secret. The file is looked at each time (2 µs), so that a removed token is refused at once.
   * @throws AppError unavailable if the file of the tokens is damaged
   */
  find(secret: string): Token | undefined {
    const version = versionOf(this.#file);
    if (version !== this.#version) {
      this.#byHash = new Map(this.#list().map((token) => [token.hash, token]));
      this.#version = version;
    }
    return this.#byHash.get(hashOf(secret));
  }
}

/** Each change replaces the file by a new one. */
function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : "";
}
