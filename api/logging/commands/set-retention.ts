import type { StoreMaintenance } from "#pipeline/store/port.ts";
import { checkVersion } from "#platform/http/etag.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { LoggingKit } from "../kit.ts";
import {
  changeRule,
  lockApplying,
  lockRule,
  readRules,
  type RetentionRule,
  type RuleChange,
} from "../repositories/retention.ts";
import type { Deps } from "./deps.ts";

/** Sets a dataset's retention. @throws AppError precondition_failed when it has changed since it was read */
export async function setRetention(
  kit: LoggingKit,
  tx: Queryable,
  change: RuleChange & { ifMatch: number | undefined; traceId: string },
): Promise<RetentionRule> {
  const before = await lockRule(tx, change.dataset);
  checkVersion(change.ifMatch, before.version);
  const after = await changeRule(tx, change);
  const { dataset, days, by, atMs, traceId } = change;
  await kit.publish(tx, {
    type: "retention.changed",
    subject: dataset,
    atMs,
    traceId,
    data: { dataset, days, daysBefore: before.days, by, version: after.version },
  });
  await kit.jobs.add(tx, { kind: "apply-retention", payload: {} });
  return after;
}

/** Applies all rules to the current store; of concurrent runs the last to start wins. */
export async function applyRules({ kit, stores }: Pick<Deps, "kit" | "stores">): Promise<void> {
  const store = await stores.get();
  await applyRulesTo(kit, store);
}

export async function applyRulesTo(
  kit: LoggingKit,
  store: Pick<StoreMaintenance, "setRetention">,
): Promise<void> {
  await kit.database.transaction(async (tx) => {
    await lockApplying(tx);
    const rules = await readRules(tx);
    if (rules.size === 0) return;
    const kept = [...rules].flatMap(([dataset, { days }]): [string, number][] =>
      days === null ? [] : [[dataset, days]],
    );
    await store.setRetention(new Map(kept));
  });
}
