const DAY_MS = 86_400_000;

export type DunningPolicy = {
  /** Days after the first failure, ascending. */
  retryDays: readonly number[];
  /** What happens to the subscription when the last retry fails. */
  finally: "cancel" | "unpaid";
};

export type DunningStep =
  | { kind: "retry"; atMs: number }
  | { kind: "give_up"; outcome: DunningPolicy["finally"] };

/** The step after a failure that followed `retries` retries; an overdue retry is due now. */
export function nextDunningStep(
  policy: DunningPolicy,
  run: { startedAtMs: number; retries: number; nowMs: number },
): DunningStep {
  const day = policy.retryDays[run.retries];
  if (day === undefined) return { kind: "give_up", outcome: policy.finally };
  return { kind: "retry", atMs: Math.max(run.startedAtMs + day * DAY_MS, run.nowMs) };
}

export const isStrictlyIncreasing = (days: readonly number[]): boolean =>
  days.every((day, index) => index === 0 || day > (days[index - 1] ?? 0));
