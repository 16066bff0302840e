import type { FleetDeployment, FleetService, FleetTask } from "./fleet-client.ts";

const TROUBLE = /unable to|failed container health checks|deployment failed/;

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
