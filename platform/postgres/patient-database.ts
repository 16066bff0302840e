import { setTimeout as delay } from "node:timers/promises";

import { AppError, errorCode } from "../errors.ts";
import { type Database, OutcomeUnknown } from "./database.ts";

/** Longer than a restart of the server takes, and shorter than clients and proxies wait for a response. */
const WAIT_MS = 8_000;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 200;

/**
 * A database whose server may be restarted: what was certainly not done is done again, for at most 8 s after the first failure.
 * That are reads, transactions before their COMMIT, and statements for which there was no connection. Later, as long as the
 * server is away, everything fails at once.
 */
export function patientDatabase(database: Database, { waitMs = WAIT_MS } = {}): Database {
  let awaySinceMs: number | undefined;
  const patiently = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
      try {
        const value = await work();
        awaySinceMs = undefined;
        return value;
      } catch (error) {
        if (!isAway(error)) throw error;
        awaySinceMs ??= performance.now();
        const isOver = performance.now() > awaySinceMs + waitMs;
        if (isOver || error instanceof OutcomeUnknown) throw error;
      }
      await delay(retryMs);
    }
  };
  return {
    ...database,
    query: (text, values) => patiently(() => database.query(text, values)),
    transaction: (work) => patiently(() => database.transaction(work)),
  };
}

/** The server is being stopped or started, or its connections have broken. Time-outs are something else. */
const AWAY = /^(?:08\w{3}|57P0[123]|ECONN\w+|EPIPE)$/;
const AWAY_MESSAGES =
  /^(?:Connection terminated|Client (?:has encountered a connection error|was closed))/;

function isAway(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== "unavailable") return false;
  const { cause } = error;
  const message = cause instanceof Error ? cause.message : "";
  return AWAY.test(errorCode(cause) ?? "") || AWAY_MESSAGES.test(message);
}
