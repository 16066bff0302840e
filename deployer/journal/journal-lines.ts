import { z } from "zod";

import { withChecksum, withoutChecksum } from "#platform/text-checksum.ts";

import { Deploy } from "../machine/deploy.ts";
import { Effect } from "../machine/effects.ts";
import { Freeze } from "../machine/freezes.ts";
import { Train } from "../machine/train.ts";
import { Workload } from "../machine/workload.ts";
import type { JournalState } from "./journal-state.ts";
import type { Change } from "./port.ts";

export const Intent = z.object({
  id: z.string(),
  workload: z.string(),
  deploy: z.string().nullable(),
  effect: Effect,
  atMs: z.number(),
});
const Result = z.object({
  id: z.string(),
  status: z.enum(["ok", "failed"]),
  reply: z.string(),
  atMs: z.number(),
});
const AuditEntry = z.object({
  atMs: z.number(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  reason: z.string(),
  // JSON has no undefined: what did not exist before, or does not any more, is left out.
  before: z.unknown().default(null),
  after: z.unknown().default(null),
});
export const EffectRecord = Intent.extend({ result: Result.omit({ id: true }).optional() });
export const AuditRecord = AuditEntry.extend({ seq: z.number(), hash: z.string() });

const listOf = <Of extends z.ZodType>(of: Of) => z.array(of).default([]);

const Line = z.object({
  fence: z.int().min(0),
  change: z.object({
    workloads: listOf(Workload),
    deploys: listOf(Deploy),
    trains: listOf(Train),
    freezes: listOf(Freeze),
    thawed: listOf(z.string()),
    intents: listOf(Intent),
    results: listOf(Result),
    audit: listOf(AuditEntry),
  }),
});

/** A change as a line of text with its checksum. */
export const lineOf = (fence: number, change: Change): string =>
  `${withChecksum(JSON.stringify({ fence, change }))}\n`;

/** Undefined if the line is damaged. */
export function parseLine(bytes: Buffer): { fence: number; change: Change } | undefined {
  try {
    return Line.parse(JSON.parse(withoutChecksum(bytes)));
  } catch {
    return undefined;
  }
}

/** One change that gives an empty journal this content. */
export function snapshotOf(state: JournalState): Change {
  const effects = [...state.effects.values()].flatMap((group) => [...group.values()]);
  return {
    workloads: [...state.workloads.values()],
    deploys: [...state.deploys.values()],
    trains: [...state.trains.values()],
    freezes: [...state.freezes.values()],
    intents: effects.map(({ result: _result, ...intent }) => intent),
    results: effects.flatMap(({ id, result }) => (result === undefined ? [] : [{ id, ...result }])),
    audit: state.audit.map(({ seq: _seq, hash: _hash, ...entry }) => entry),
  };
}
