import { createHash } from "node:crypto";

import type { AuditEntry, AuditRecord } from "./port.ts";

const START = "";

/** The entry as it is stored: its hash covers the hash before it, so that no entry can be changed or left out. */
export function chainAudit(before: AuditRecord | undefined, entry: AuditEntry): AuditRecord {
  const seq = (before?.seq ?? 0) + 1;
  return { ...entry, seq, hash: hashOf(before?.hash ?? START, seq, entry) };
}

/** The number of the first entry whose hash does not fit; undefined if all do. */
export function brokenAt(
  entries: readonly AuditRecord[],
  before?: AuditRecord,
): number | undefined {
  let last = before;
  for (const record of entries) {
    const { seq, hash, ...entry } = record;
    const expected = chainAudit(last, entry);
    if (expected.seq !== seq || expected.hash !== hash) return seq;
    last = record;
  }
  return undefined;
}

function hashOf(before: string, seq: number, entry: AuditEntry): string {
  const { atMs, actor, action, target, reason } = entry;
  // In a fixed order; a database may sort the keys of objects, so these are compared as sorted text.
  const fields = [
    seq,
    atMs,
    actor,
    action,
    target,
    reason,
    sorted(entry.before),
    sorted(entry.after),
  ];
  return createHash("sha256").update(before).update(JSON.stringify(fields)).digest("hex");
}

const sorted = (value: unknown): string =>
  JSON.stringify(value ?? null, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
