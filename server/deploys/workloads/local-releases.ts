import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

import { localManifest } from "#deployer/fleet/workload.ts";
import type { AppError } from "#platform/errors.ts";

import { type ManagedWorkload, type Releases, unprocessable } from "./managed-workload.ts";

type LocalReleases = Pick<ManagedWorkload, "environmentOf"> & {
  /** The name of the workload. */
  name: string;
  /** A release is the folder with its name in here. */
  folder: string;
  /** What runs for names that are no folder there; undefined: such a release does not exist. */
  otherwise: string | undefined;
};

const NAMED_MAX = 20;

/** Releases whose tasks are processes of this machine. */
export function localReleases(releases: LocalReleases): Releases {
  const programsOf = (release: string): string => {
    const folder = path.join(releases.folder, release);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
    if (releases.otherwise !== undefined) return releases.otherwise;
    throw unknownRelease(release, releases);
  };
  return {
    programsOf,
    manifestOf: (release, workload) =>
      localManifest(workload, {
        folder: programsOf(release),
        name: release,
        environment: releases.environmentOf(release),
      }),
  };
}

function unknownRelease(release: string, { name, folder }: LocalReleases): AppError {
  const known = namesIn(folder);
  const list = known.slice(-NAMED_MAX).join(", ");
  const there = known.length === 0 ? "is none" : `are ${list}`;
  const message = `There is no release ${release} of ${name}: ${path.join(folder, release)} is not a folder. There ${there}.`;
  return unprocessable("release", message);
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((it) => it.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}
