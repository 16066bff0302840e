const DAY_MS = 86_400_000;

export type DunningPolicy = {
  /** When to try again, in days after the first failure, rising. */
  retryDays: readonly number[];
  /** What becomes of the subscription when the last retry failed. */
  finally: "cancel" | "unpaid";
};

export type DunningStep =
  | { kind: "retry"; atMs: number }
  | { kind: "give_up"; outcome: DunningPolicy["finally"] };

/** What follows after a failure when `retries` were made; a retry that is overdue comes at once. */
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
