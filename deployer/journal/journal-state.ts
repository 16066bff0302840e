import { AppError } from "#platform/errors.ts";

import { type Deploy, isActive } from "../machine/deploy.ts";
import type { Freeze } from "../machine/freezes.ts";
import type { Train } from "../machine/train.ts";
import type { Workload } from "../machine/workload.ts";
import { chainAudit } from "./audit-chain.ts";
import {
  type AuditRecord,
  type Change,
  type EffectRecord,
  type Journal,
  NO_CHANGE,
  type Records,
  type Result,
} from "./port.ts";

/** The content of a journal in memory: the fold of its changes. */
export type JournalState = {
  workloads: Map<string, Workload>;
  deploys: Map<string, Deploy>;
  trains: Map<string, Train>;
  freezes: Map<string, Freeze>;
  /** By deploy, then by id. Effects between deploys are under the name of the workload. */
  effects: Map<string, Map<string, EffectRecord>>;
  /** Of effects without a result, the group in `effects`. */
  open: Map<string, string>;
  audit: AuditRecord[];
};

export const emptyState = (): JournalState => ({
  workloads: new Map(),
  deploys: new Map(),
  trains: new Map(),
  freezes: new Map(),
  effects: new Map(),
  open: new Map(),
  audit: [],
});

/** Effects between deploys, such as repairs of nodes, that are kept for each workload. */
export const REPAIRS_MAX = 200;
/** Of older deploys only the record is kept. */
export const DEPLOYS_WITH_EFFECTS_MAX = 200;

/** @throws AppError conflict; nothing has changed then */
export function checkChange(state: JournalState, change: Change): void {
  checkVersions(state.workloads, change.workloads, ({ name }) => name);
  checkVersions(state.deploys, change.deploys, ({ id }) => id);
  checkVersions(state.trains, change.trains, ({ id }) => id);
  checkVersions(state.freezes, change.freezes, ({ id }) => id);
  const changed = change.deploys ?? [];
  for (const { id, requestKey } of changed.filter(({ version }) => version === 1)) {
    const isTaken = (it: Deploy): boolean => it.requestKey === requestKey && it.id !== id;
    if (requestKey !== null && [...state.deploys.values(), ...changed].some(isTaken)) {
      throw requestedTwice();
    }
  }
  for (const deploy of changed.filter(isActive)) {
    const isOther = (it: Deploy): boolean =>
      it.workload === deploy.workload && it.id !== deploy.id && isActive(it);
    const others = [...state.deploys.values()].filter(
      (it) => isOther(it) && !changed.some(({ id }) => id === it.id),
    );
    if (others.length > 0 || changed.some(isOther)) throw twoActive(deploy.workload);
  }
}

export const twoActive = (workload: string): AppError =>
  new AppError("conflict", `Another deploy of ${workload} is active; this one has to wait for it.`);

export const requestedTwice = (): AppError =>
  new AppError("conflict", "A deploy was already requested with this Idempotency-Key.");

export const replacedError = (): AppError =>
  new AppError("precondition_failed", "Another process has taken over the deploys.");

export const staleVersion = (): AppError =>
  new AppError("conflict", "The record was changed in the meantime; load it again.");

function checkVersions<Value extends { version: number }>(
  stored: ReadonlyMap<string, Value>,
  values: readonly Value[] = [],
  keyOf: (value: Value) => string,
): void {
  for (const value of values) {
    if (value.version !== (stored.get(keyOf(value))?.version ?? 0) + 1) throw staleVersion();
  }
}

/** Applies a change that was checked, or read from a journal. */
export function applyChange(state: JournalState, change: Change): void {
  const { workloads, deploys, trains, freezes, thawed, ...rest } = { ...NO_CHANGE, ...change };
  for (const it of workloads) state.workloads.set(it.name, it);
  for (const it of deploys) state.deploys.set(it.id, it);
  for (const it of trains) state.trains.set(it.id, it);
  for (const it of freezes) state.freezes.set(it.id, it);
  for (const id of thawed) state.freezes.delete(id);
  for (const intent of rest.intents) {
    addEffect(state, intent.deploy ?? intent.workload, { ...intent, result: undefined });
  }
  for (const result of rest.results) addResult(state, result);
  for (const entry of rest.audit) state.audit.push(chainAudit(state.audit.at(-1), entry));
}

function addResult(state: JournalState, { id, ...result }: Result): void {
  const group = state.effects.get(state.open.get(id) ?? "");
  const effect = group?.get(id);
  if (effect !== undefined) group?.set(id, { ...effect, result });
  state.open.delete(id);
}

function addEffect(state: JournalState, group: string, effect: EffectRecord): void {
  if (!state.effects.has(group)) forgetOldEffects(state);
  const effects = state.effects.get(group) ?? new Map<string, EffectRecord>();
  state.effects.set(group, effects.set(effect.id, effect));
  state.open.set(effect.id, group);
  if (effect.deploy !== null || effects.size <= REPAIRS_MAX) return;
  const [oldest = ""] = effects.keys();
  effects.delete(oldest);
  state.open.delete(oldest);
}

/** There is room for those of one more deploy then, unless that many are under way. */
function forgetOldEffects({ effects, open, deploys }: JournalState): void {
  const groups = [...effects.keys()].filter((group) => deploys.has(group));
  if (groups.length < DEPLOYS_WITH_EFFECTS_MAX) return;
  const oldest = groups.find((id) => deploys.get(id)?.times.doneMs !== null) ?? "";
  for (const id of effects.get(oldest)?.keys() ?? []) open.delete(id);
  effects.delete(oldest);
}

/** Unfinished deploys, and those of trains of which others wait. */
export function recordsOf({ workloads, deploys, trains, freezes }: JournalState): Records {
  const all = [...deploys.values()].toSorted((a, b) => a.place - b.place);
  const unfinished = all.filter(({ times }) => times.doneMs === null);
  const going = new Set(unfinished.map(({ train }) => train));
  return {
    workloads: [...workloads.values()],
    deploys: all.filter(
      (it) => it.times.doneMs === null || (it.train !== null && going.has(it.train)),
    ),
    trains: [...trains.values()].filter(({ id }) => going.has(id)),
    freezes: [...freezes.values()],
  };
}

/** The reads of a journal, answered from memory. */
export function readsOf(
  state: JournalState,
): Pick<Journal, "deploy" | "requested" | "history" | "effects" | "audit"> {
  return {
    deploy: async (id) => state.deploys.get(id),
    requested: async (key) =>
      [...state.deploys.values()].find(({ requestKey }) => requestKey === key),
    history: async ({ workload, before, limit }) =>
      [...state.deploys.values()]
        .filter((it) => it.place < before && (workload === undefined || it.workload === workload))
        .toSorted((a, b) => b.place - a.place)
        .slice(0, limit),
    effects: async (deploy) => [...(state.effects.get(deploy)?.values() ?? [])],
    audit: async ({ after, limit }) => state.audit.slice(after, after + limit),
  };
}
