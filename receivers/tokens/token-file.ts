import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { contendForLease } from "#platform/lease/lease.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

import { hashOf, newSecret, PushToken, type TokenRequest } from "./push-token.ts";

const TOKENS_MAX = 1_000;
const LEASE = "push-tokens";
const LEASE_TRIES = 20;

const fileIn = (dataFolder: string): string => path.join(dataFolder, "push-tokens.json");

/**
 * The tokens of a data folder, oldest first. They are in a file, because logs are received while PostgreSQL does not run,
 * and `quarterdeck token` works without a control plane.
 * @throws AppError if the file is damaged
 */
export function listTokens(dataFolder: string): PushToken[] {
  const { value, damage } = readStateFile(fileIn(dataFolder), z.array(PushToken));
  if (damage !== undefined) {
    const advice = "restore it from a backup, or delete it and make new tokens";
    throw new AppError("unavailable", `${damage}: ${advice}.`, { waitMs: 5_000 });
  }
  return value ?? [];
}

/** Makes a token, and returns its secret, which cannot be read again. @throws AppError conflict if the name is in use */
export function addToken(
  dataFolder: string,
  request: TokenRequest,
  nowMs: number,
): Promise<{ token: PushToken; secret: string }> {
  return changing(dataFolder, (tokens) => {
    if (tokens.some(({ name }) => name === request.name)) {
      const advice = "choose another name, or remove that token first";
      throw new AppError("conflict", `There is a token named ${request.name}: ${advice}.`);
    }
    if (tokens.length >= TOKENS_MAX) {
      throw new AppError("conflict", `There are ${TOKENS_MAX} tokens: remove unused ones first.`);
    }
    const secret = newSecret();
    const id = `tok_${randomBytes(6).toString("hex")}`;
    const token = { ...request, id, createdMs: nowMs, hash: hashOf(secret) };
    return { tokens: [...tokens, token], result: { token, secret } };
  });
}

/** The next request with this token is refused. Returns the removed token. @throws AppError not_found */
export function removeToken(dataFolder: string, idOrName: string): Promise<PushToken> {
  return changing(dataFolder, (tokens) => {
    const removed = tokens.find(({ id, name }) => id === idOrName || name === idOrName);
    if (!removed) throw new AppError("not_found", `There is no token ${idOrName}.`);
    return { tokens: tokens.filter((it) => it !== removed), result: removed };
  });
}

/** Several processes may change the file: one at a time does. */
async function changing<T>(
  dataFolder: string,
  change: (tokens: readonly PushToken[]) => { tokens: PushToken[]; result: T },
): Promise<T> {
  const locks = path.join(dataFolder, "locks");
  await mkdir(locks, { recursive: true, mode: 0o700 });
  for (let tries = 0; tries < LEASE_TRIES; tries += 1) {
    const found = await contendForLease(locks, LEASE);
    if ("holder" in found) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    await using lease = found.lease;
    const { tokens, result } = change(listTokens(dataFolder));
    if (!(await lease.confirm())) break;
    writeStateFile(fileIn(dataFolder), tokens);
    return result;
  }
  throw new AppError("unavailable", "Another process is changing the tokens: try again.", {
    waitMs: 1_000,
  });
}

/** The tokens by the hash of their secret, read again when the file has changed. */
export class TokenReader {
  readonly #dataFolder: string;
  #byHash: ReadonlyMap<string, PushToken> = new Map();
  #version = "";

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  /**
   * The token with this secret. The file is looked at each time (2 µs), so that a removed token is refused at once.
   * @throws AppError unavailable if the file of the tokens is damaged
   */
  find(secret: string): PushToken | undefined {
    const version = versionOf(fileIn(this.#dataFolder));
    if (version !== this.#version) {
      this.#byHash = new Map(listTokens(this.#dataFolder).map((token) => [token.hash, token]));
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
