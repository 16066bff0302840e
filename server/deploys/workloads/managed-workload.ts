import type { Catalogue } from "#deployer/fleet/colour-fleet.ts";
import type { Manifest } from "#deployer/fleet/fleet-client.ts";
import type { Workload } from "#deployer/fleet/workload.ts";
import type { Migration } from "#deployer/one-offs/migrate.ts";
import { AppError } from "#platform/errors.ts";

type MigrationKind = "expand" | "contract";

/** What its releases are: folders of this machine, or images. */
export type Releases = {
  /** Where the programs of a release come from, for people. @throws AppError unprocessable if there is no such release */
  programsOf(release: string): string;
  /** The task definition of a release, or of some of its programs. @throws AppError unprocessable */
  manifestOf(release: string, workload: Workload): Manifest;
};

/** A workload that is deployed. */
export type ManagedWorkload = Releases & {
  workload: Workload;
  /** Tasks of its first deploy. */
  tasks: number;
  /** Tasks of a colour that edge nodes have room for. */
  slots: number;
  /** Where clients reach it through the edge; undefined: the next port. */
  edgePort: number | undefined;
  /** Settings of its programs, with the name of the release. */
  environmentOf(release: string): Readonly<Record<string, string>>;
  /** The commands of its migrations, run with the programs of the release. */
  migrations: Readonly<Partial<Record<MigrationKind, readonly string[]>>>;
};

/** The task definitions of releases. */
export const catalogueOf =
  (find: (workload: string) => ManagedWorkload): Catalogue =>
  async (name, release) => {
    const { workload, manifestOf } = find(name);
    return { manifest: manifestOf(release, workload), port: workload.port };
  };

/** @throws AppError unprocessable if the workload has no such migration */
export function migrationCommand(
  { workload, migrations }: ManagedWorkload,
  kind: MigrationKind,
): readonly string[] {
  const command = migrations[kind];
  if (command !== undefined) return command;
  const message = `${workload.name} has no ${kind} migration.`;
  throw unprocessable(`migrations.${kind}`, message);
}

/** The family of the task definitions of a migration. */
export const migrationName = (workload: string, kind: MigrationKind): string =>
  `${workload}-${kind}`;

/** A migration is a task with a single program of the workload, whose command is another one. */
export function migrationOf(
  managed: ManagedWorkload,
  { kind, release }: { kind: MigrationKind; release: string },
): Migration {
  const { workload, manifestOf } = managed;
  const [program] = workload.programs;
  if (program === undefined) throw new Error(`${workload.name} has no programs`);
  const alone = { ...workload, name: migrationName(workload.name, kind), programs: [program] };
  const command = migrationCommand(managed, kind);
  return {
    manifest: withoutChecks(manifestOf(release, alone)),
    container: program.name,
    command,
  };
}

/** Nothing answers health checks while a migration runs. */
function withoutChecks(manifest: Manifest): Manifest {
  const containerDefinitions = manifest.containerDefinitions.map((container) => ({
    ...container,
    healthCheck: undefined,
  }));
  return { ...manifest, containerDefinitions };
}

export const unprocessable = (path: string, message: string): AppError =>
  new AppError("unprocessable", message, { fields: [{ path, code: "unknown", message }] });
