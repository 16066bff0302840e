import { Cron } from "croner";
import { z } from "zod";

/** The largest time that a Date can have, in epoch ms. */
const INSTANT_MS_MAX = 8.64e15;
const Instant = z.number().transform((ms) => Math.min(Math.max(ms, 0), INSTANT_MS_MAX));

/**
 * A time in which no deploy starts. Those that have started go on, and every deploy can be rolled back. What is stored
 * stays readable whatever the time is: `problemsOf` has what a new one must fulfil.
 */
export const Freeze = z.object({
  id: z.string(),
  version: z.number(),
  name: z.string().min(1).max(200),
  /** Names of workloads; empty: all. */
  workloads: z.array(z.string()).max(1_000),
  period: z.union([
    /** Once. Epoch ms. */
    z.object({ kind: z.literal("once"), fromMs: Instant, untilMs: Instant }),
    /** As in GitLab: two cron expressions, for example from Friday 16:00 (`0 16 * * 5`) until Monday 7:00. */
    z.object({
      kind: z.literal("recurring"),
      start: z.string().max(100),
      end: z.string().max(100),
      timezone: z.string().max(60),
    }),
  ]),
});
export type Freeze = z.infer<typeof Freeze>;

type Problem = { path: string; message: string };

/** Why a freeze cannot be added now, by field. */
export function problemsOf({ period }: Freeze, nowMs: number): Problem[] {
  if (period.kind === "once") {
    return period.fromMs < period.untilMs
      ? []
      : [{ path: "period.untilMs", message: "must be after the start" }];
  }
  return (["start", "end"] as const).flatMap((field) => {
    const message = problemOf(period[field], period.timezone, nowMs);
    return message === undefined ? [] : [{ path: `period.${field}`, message }];
  });
}

function problemOf(expression: string, timezone: string, nowMs: number): string | undefined {
  try {
    const next = cronOf(expression, timezone).nextRun(new Date(nowMs));
    return next === null
      ? "must be a cron expression that matches a time in the future"
      : undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `must be a cron expression with a time zone, such as "0 16 * * 5" in Europe/Madrid (${why})`;
  }
}

const cronOf = (expression: string, timezone: string): Cron =>
  new Cron(expression, { timezone, paused: true });

/** Why a workload's deploy may not start now, for people; undefined if it may. */
export function freezeOf(
  freezes: readonly Freeze[],
  workload: string,
  nowMs: number,
): string | undefined {
  for (const freeze of freezes) {
    if (freeze.workloads.length > 0 && !freeze.workloads.includes(workload)) continue;
    const untilMs = frozenUntil(freeze, nowMs);
    if (untilMs !== undefined) {
      return `Deploys are frozen until ${new Date(untilMs).toISOString()}: ${freeze.name}`;
    }
  }
  return undefined;
}

/** When the freeze ends, if it is one now. */
export function frozenUntil({ period }: Freeze, nowMs: number): number | undefined {
  if (period.kind === "once") {
    return nowMs >= period.fromMs && nowMs < period.untilMs ? period.untilMs : undefined;
  }
  const now = new Date(nowMs);
  const end = cronOf(period.end, period.timezone).nextRun(now)?.getTime();
  const start = cronOf(period.start, period.timezone).nextRun(now)?.getTime();
  // In a freeze, its end comes before the next start.
  return end !== undefined && (start === undefined || end < start) ? end : undefined;
}
