import type { OneOff, OneOffView } from "../drivers.ts";
import type { FleetClient, Manifest } from "../fleet/fleet-client.ts";
import { type OutputOf, tellOutput } from "../fleet/task-output.ts";
import { whyStopped } from "../fleet/tell-trouble.ts";

const CALL_MS_MAX = 8_000;

export type Migration = { manifest: Manifest; container: string; command: readonly string[] };

export type MigrateDeps = {
  fleet: FleetClient;
  migrationOf(work: OneOff): Promise<Migration>;
  outputOf: OutputOf;
};

/** Runs a migration as a task of the fleet: the fleet starts it once for its token, however often it is asked. */
export async function startMigration(
  token: string,
  work: OneOff,
  { fleet, migrationOf }: MigrateDeps,
): Promise<void> {
  const client = fleet.until(AbortSignal.timeout(CALL_MS_MAX));
  const { manifest, container, command } = await migrationOf(work);
  const deployId = `${work.deploy}-${work.kind}`;
  const taskDefinition = await client.register(manifest, { deployId, tags: {} });
  await client.run({ taskDefinition, token, command: { container, command } });
}

/** What has become of the migration with the token. */
export async function readMigration(
  token: string,
  { fleet, outputOf }: Pick<MigrateDeps, "fleet" | "outputOf">,
): Promise<OneOffView> {
  const task = await fleet.until(AbortSignal.timeout(CALL_MS_MAX)).findRun(token);
  if (task === undefined) return { status: "absent" };
  if (task.lastStatus !== "STOPPED") return { status: "running" };
  const { containers } = task;
  const failed = containers.find(({ exitCode }) => exitCode !== 0);
  // One that could not be started may have none.
  if (failed === undefined && containers.length > 0) return { status: "succeeded" };
  const why = whyStopped(task) ?? "it ended";
  return {
    status: "failed",
    reason: `${why}. ${await tellOutput(task, failed?.name ?? "", outputOf)}`,
  };
}
