import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "#platform/errors.ts";

import type { FleetClient, FleetService, Target } from "./fleet-client.ts";
import { troubleOf } from "./tell-trouble.ts";

const POLL_MS = { first: 200, max: 5_000 };

type Waiting = Pick<Target, "count"> & {
  /** As `deploy` returned it. */
  deploymentId: string;
  timeoutMs: number;
  signal: AbortSignal;
};

/**
 * Resolves when a service has arrived at the target of a deployment, with tasks that are healthy.
 * @throws AppError with the reason if the deployment has failed or takes too long
 */
export async function waitForService(
  fleet: Pick<FleetClient, "services">,
  name: string,
  { timeoutMs, signal, ...target }: Waiting,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  let hint: string | undefined;
  for (let waitMs = POLL_MS.first; ; waitMs = Math.min(waitMs * 1.5, POLL_MS.max)) {
    const [service] = await fleet.services([name]);
    const judgement = judgeService(service, target);
    if (judgement.state === "settled") return;
    if (judgement.state === "failed") throw new AppError("unavailable", judgement.reason);
    hint = judgement.hint ?? hint;
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) {
      const why = hint === undefined ? "" : ` Last event: ${hint}`;
      throw new AppError(
        "unavailable",
        `The service ${name} did not get ${target.count} healthy tasks within ${timeoutMs / 1_000} s.${why}`,
      );
    }
    await delay(Math.min(waitMs, leftMs), undefined, { signal });
  }
}

type ServiceJudgement =
  | { state: "settled" }
  /** `hint`: what the fleet says about why it takes long. */
  | { state: "moving"; hint: string | undefined }
  | { state: "failed"; reason: string };

/**
 * Whether a service has arrived at a target. It is not enough that nothing moves: a read that is some seconds old shows the
 * rest before the change, and no service at all does not move either. So the deployment must be the one that was asked for,
 * and be complete. (The waiters of the SDK take both for success.)
 */
function judgeService(
  service: FleetService | undefined,
  { count, deploymentId }: Pick<Target, "count"> & { deploymentId: string },
): ServiceJudgement {
  const [primary, ...others] = service?.deployments ?? [];
  if (!service || primary?.id !== deploymentId) {
    return { state: "moving", hint: primary && `its deployment is ${primary.id}` };
  }
  if (service.status !== "ACTIVE") {
    return { state: "failed", reason: `The service ${service.name} is being deleted.` };
  }
  if (primary.rolloutState === "FAILED") {
    const { reason, failedTasks } = primary;
    return { state: "failed", reason: `${reason} Failed tasks: ${failedTasks}.` };
  }
  const isComplete = primary.rolloutState === "COMPLETED" && others.length === 0;
  if (isComplete && hasCount(service, count)) return { state: "settled" };
  return { state: "moving", hint: troubleOf(service, primary) };
}

const hasCount = ({ desiredCount, runningCount }: FleetService, count: number): boolean =>
  desiredCount === count && runningCount === count;
