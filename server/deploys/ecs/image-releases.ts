import { ecsManifest } from "#deployer/fleet/ecs-manifest.ts";
import type { Workload } from "#deployer/fleet/workload.ts";

import {
  type ManagedWorkload,
  type Releases,
  unprocessable,
} from "../workloads/managed-workload.ts";
import type { EcsPlace } from "./ecs-file.ts";

/** A workload whose tasks run on Amazon ECS. */
export type EcsWorkload = ManagedWorkload & {
  /** Without its tag, which is the release. */
  image: string;
  /** By variable: ARNs of Secrets Manager. */
  secrets: Readonly<Record<string, string>>;
};

type Images = Pick<EcsWorkload, "image" | "secrets" | "environmentOf"> & {
  /** The name of the workload. */
  name: string;
  healthCommand: (port: number, path: string) => string[];
};

const TAG = /^\w[\w.-]{0,127}$/;

/** Releases that are images with tags. Whether one exists is found out when its tasks start. */
export function imageReleases(images: Images, place: EcsPlace): Releases {
  const { name, image, secrets, environmentOf, healthCommand } = images;
  const programsOf = (release: string): string => {
    if (TAG.test(release)) return `${image}:${release}`;
    const message = `${release} cannot be the tag of an image: give letters, digits and ._-`;
    throw unprocessable("release", message);
  };
  return {
    programsOf,
    manifestOf: (release: string, workload: Workload) =>
      ecsManifest(workload, {
        ...rolesOf(name, place),
        image: programsOf(release),
        launchType: place.launchType,
        environment: environmentOf(release),
        secrets,
        healthCommand,
        logs: { group: place.logGroup, region: place.region },
        files: place.apis,
      }),
  };
}

/** A pair for each workload, so that none can read the secrets or the files of another one. */
export function rolesOf(name: string, { account }: Pick<EcsPlace, "account">) {
  const role = (purpose: string): string =>
    `arn:aws:iam::${account}:role/quarterdeck/${name}-${purpose}`;
  return { taskRole: role("task"), executionRole: role("execution") };
}
