import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "#platform/errors.ts";

import type { FleetClient, Target } from "./fleet-client.ts";
import { judgeService } from "./judge-service.ts";

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
