import { AppError } from "#platform/errors.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import {
  type SecretFacts,
  deleteSecret,
  insertSecret,
  lockSecret,
  replaceSecret,
  sealSecret,
} from "../repositories/secrets.ts";
import type { SettingsStore } from "../store/port.ts";

type SecretRequest = {
  name: string;
  value: string;
  /** Undefined: unchanged. */
  description?: string | undefined;
  by: string;
  nowMs: number;
};

/** @throws AppError conflict when a secret of this name exists */
export async function addSecret(
  tx: Queryable,
  key: Buffer,
  { name, value, description = "", by, nowMs }: SecretRequest,
): Promise<SecretFacts> {
  const sealed = sealSecret(key, { name, version: 1, value });
  const added = await insertSecret(tx, { name, version: 1, description, sealed, by, atMs: nowMs });
  if (added) return added;
  throw new AppError(
    "conflict",
    `Secret ${name} already exists: change its value with POST /v1/secrets/${name}/rotate.`,
  );
}

/** @throws AppError not_found, and what `check` throws for a version */
export async function rotateSecret(
  tx: Queryable,
  { key, check }: { key: Buffer; check(version: number): void },
  { name, value, description, by, nowMs }: SecretRequest,
): Promise<SecretFacts> {
  const before = await lockedSecret(tx, name);
  check(before.version);
  const version = before.version + 1;
  const sealed = sealSecret(key, { name, version, value });
  const described = description ?? before.description;
  return replaceSecret(tx, { name, version, description: described, sealed, by, atMs: nowMs });
}

/**
 * Returns the deleted version. @throws AppError not_found, conflict while settings refer to it, and what `check`
 * throws
 */
export async function removeSecret(
  tx: Queryable,
  { store, check }: { store: SettingsStore; check(version: number): void },
  name: string,
): Promise<number> {
  const { version } = await lockedSecret(tx, name);
  check(version);
  const users = await store.referringTo(tx, name);
  if (users.length > 0) {
    throw new AppError(
      "conflict",
      `Settings of ${users.join(", ")} refer to secret://${name}: change them first.`,
    );
  }
  await deleteSecret(tx, name);
  return version;
}

async function lockedSecret(tx: Queryable, name: string): Promise<SecretFacts> {
  const found = await lockSecret(tx, name);
  if (found) return found;
  throw new AppError("not_found", `There is no secret ${name}.`);
}
