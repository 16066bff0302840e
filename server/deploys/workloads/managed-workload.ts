import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

import type { Catalogue } from "#deployer/fleet/colour-fleet.ts";
import { type LocalRelease, localManifest, type Workload } from "#deployer/fleet/workload.ts";
import type { Migration } from "#deployer/one-offs/migrate.ts";
import { AppError } from "#platform/errors.ts";

type MigrationKind = "expand" | "contract";

/** A workload that is deployed on this machine. */
export type ManagedWorkload = {
  workload: Workload;
  /** Tasks of its first deploy. */
  tasks: number;
  /** Tasks of a colour that edge nodes have room for. */
  slots: number;
  /** Where clients reach it through the edge; undefined: the next port. */
  edgePort: number | undefined;
  /** Settings of its programs, beside the release. */
  environmentOf(release: string): Readonly<Record<string, string>>;
  /** A release is the folder with its name in here. */
  releasesFolder: string;
  /** What runs for names that are no folder there; undefined: such a release does not exist. */
  ownFolder: string | undefined;
  /** The commands of its migrations, run in the folder of the release. */
  migrations: Readonly<Partial<Record<MigrationKind, readonly string[]>>>;
};

const RELEASES_NAMED_MAX = 20;

/** @throws AppError unprocessable, which names the releases that exist */
export function folderOf(managed: ManagedWorkload, release: string): string {
  const { workload, releasesFolder, ownFolder } = managed;
  const folder = path.join(releasesFolder, release);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  if (ownFolder !== undefined) return ownFolder;
  const known = namesIn(releasesFolder);
  const list = known.slice(-RELEASES_NAMED_MAX).join(", ");
  const message = `There is no release ${release} of ${workload.name}: ${folder} is not a folder. There ${known.length === 0 ? "is none" : `are ${list}`}.`;
  throw new AppError("unprocessable", message, {
    fields: [{ path: "release", code: "unknown", message }],
  });
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((it) => it.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

const releaseOf = (managed: ManagedWorkload, release: string): LocalRelease => ({
  folder: folderOf(managed, release),
  name: release,
  environment: managed.environmentOf(release),
});

/** The task definitions of releases whose tasks are processes of this machine. */
export const localCatalogue =
  (find: (workload: string) => ManagedWorkload): Catalogue =>
  async (name, release) => {
    const managed = find(name);
    const manifest = localManifest(managed.workload, releaseOf(managed, release));
    return { manifest, port: managed.workload.port };
  };

/** @throws AppError unprocessable if the workload has no such migration */
export function migrationCommand(
  { workload, migrations }: ManagedWorkload,
  kind: MigrationKind,
): readonly string[] {
  const command = migrations[kind];
  if (command !== undefined) return command;
  const message = `${workload.name} has no ${kind} migration.`;
  throw new AppError("unprocessable", message, {
    fields: [{ path: `migrations.${kind}`, code: "unknown", message }],
  });
}

/** A migration is a task with a single program of the workload, whose command is another one. */
export function localMigration(
  managed: ManagedWorkload,
  { kind, release }: { kind: MigrationKind; release: string },
): Migration {
  const [program] = managed.workload.programs;
  if (program === undefined) throw new Error(`${managed.workload.name} has no programs`);
  const alone = { ...managed.workload, name: `${managed.workload.name}-${kind}` };
  const manifest = localManifest({ ...alone, programs: [program] }, releaseOf(managed, release));
  const command = migrationCommand(managed, kind);
  return { manifest: withoutChecks(manifest), container: program.name, command };
}

/** Nothing answers health checks while a migration runs. */
function withoutChecks(manifest: Migration["manifest"]): Migration["manifest"] {
  const containerDefinitions = manifest.containerDefinitions.map((container) => ({
    ...container,
    healthCheck: undefined,
  }));
  return { ...manifest, containerDefinitions };
}
