import { createHash, createHmac, hkdfSync } from "node:crypto";

import { z } from "zod";

import { AppError } from "../errors.ts";
import type { Queryable } from "../postgres/database.ts";
import { seal, unseal } from "../seal.ts";
import type { AnyResponse } from "./route.ts";

/** Retention of responses; afterwards a key counts as new. */
export const IDEMPOTENCY_HOURS = 24;

export const idempotencyMigration = {
  id: "kit-idempotency",
  sql: `CREATE TABLE idempotency (
    key_hash bytea PRIMARY KEY,
    request_mac bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL
  );
  CREATE INDEX idempotency_age ON idempotency (created_at)`,
};

export type IdempotentRequest = {
  key: string;
  /** Caller and operation: keys of different callers, or on different routes, are different keys. */
  scope: string;
  /** Parameters, query and body of the request, as text. */
  content: string;
  nowMs: number;
};

/**
 * Runs `work` once per key (draft-ietf-httpapi-idempotency-key-header): the first request runs it and stores the response
 * in the same transaction, later requests get the stored response, and concurrent ones wait. A failed request stores
 * nothing and may be repeated. Because a response may contain a secret that is shown once, and a body a password, the
 * response is encrypted and the content is fingerprinted with keys derived from the Idempotency-Key, of which only a hash
 * is stored.
 * @throws AppError unprocessable when the key was used for another request
 */
export async function once<Result extends AnyResponse>(
  tx: Queryable,
  request: IdempotentRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const seed = createHash("sha256").update(`${request.scope}\n${request.key}`).digest();
  const hash = createHash("sha256").update("id").update(seed).digest();
  const mac = createHmac("sha256", seed).update(request.content).digest();
  // Held until the transaction ends: concurrent requests with the same key wait here.
  await tx.query("SELECT pg_advisory_xact_lock($1::bigint)", [hash.readBigInt64BE().toString()]);
  const [kept] = await tx.query(
    "SELECT request_mac, answer FROM idempotency WHERE key_hash = $1 AND created_at > $2",
    [hash, new Date(request.nowMs - IDEMPOTENCY_HOURS * 3_600_000)],
  );
  if (kept) {
    if (Buffer.isBuffer(kept["request_mac"]) && kept["request_mac"].equals(mac)) {
      // It was stored as a response of the same route, which is part of the scope.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return replayOf(seed, kept["answer"]) as Result;
    }
    const message = "this key was already used for a request with other content: use a new one";
    throw new AppError("unprocessable", `header.Idempotency-Key: ${message}`, {
      fields: [{ path: "header.Idempotency-Key", code: "key_reused", message }],
    });
  }
  const response = await work();
  await tx.query(
    `INSERT INTO idempotency (key_hash, request_mac, answer, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (key_hash) DO UPDATE SET request_mac = $2, answer = $3, created_at = $4`,
    [hash, mac, seal(keyOf(seed), JSON.stringify(response)), new Date(request.nowMs)],
  );
  return response;
}

/** Deletes expired responses. */
export async function deleteExpiredResponses(db: Queryable, nowMs: number): Promise<void> {
  await db.query("DELETE FROM idempotency WHERE created_at <= $1", [
    new Date(nowMs - IDEMPOTENCY_HOURS * 3_600_000),
  ]);
}

const Kept = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
});

function replayOf(seed: Buffer, stored: unknown): AnyResponse {
  if (!Buffer.isBuffer(stored)) throw new Error("the stored response is not a bytea");
  const { headers, ...response } = Kept.parse(JSON.parse(unseal(keyOf(seed), stored).toString()));
  return { ...response, headers: { ...headers, "idempotency-replayed": "true" } };
}

const keyOf = (seed: Buffer): Buffer =>
  Buffer.from(hkdfSync("sha256", seed, "", "quarterdeck idempotency answer", 32));
