import type { FleetDeployment, FleetService, FleetTask, Target } from "./fleet-client.ts";

export type ServiceJudgement =
  | { state: "settled" }
  /** `hint`: what the fleet says about why it takes long. */
  | { state: "moving"; hint: string | undefined }
  | { state: "failed"; reason: string };

const TROUBLE = /unable to|failed container health checks|deployment failed/;

/**
 * Whether a service has arrived at a target. It is not enough that nothing moves: a read that is some seconds old shows the
 * rest before the change, and no service at all does not move either. So the deployment must be the one that was asked for,
 * and be complete. (The waiters of the SDK take both for success.)
 */
export function judgeService(
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

/** The latest event of the deployment that tells why it may take long. */
export const troubleOf = (
  { events }: FleetService,
  { createdAtMs }: FleetDeployment,
): string | undefined =>
  events.find(({ atMs, message }) => atMs >= createdAtMs && TROUBLE.test(message))?.message;

/** Why a task ended, for people. Undefined while it has not. */
export function whyStopped(task: FleetTask): string | undefined {
  if (task.desiredStatus !== "STOPPED") return undefined;
  const details = task.containers.flatMap(({ name, exitCode, reason }) => {
    const code = exitCode === undefined ? undefined : `exit code ${exitCode}${meaningOf(exitCode)}`;
    const known = [code, reason].filter((it) => it !== undefined).join(", ");
    return known === "" ? [] : [`${name}: ${known}`];
  });
  return [task.stoppedReason ?? "Stopped", ...details].join("; ");
}

const SIGNALS: Readonly<Record<number, string>> = {
  137: "killed",
  139: "crashed",
  143: "ended by SIGTERM",
};
const meaningOf = (exitCode: number): string => {
  const meaning = SIGNALS[exitCode];
  return meaning === undefined ? "" : ` (${meaning})`;
};
