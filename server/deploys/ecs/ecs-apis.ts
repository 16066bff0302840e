import type { Workload } from "#deployer/fleet/workload.ts";
import { apiWorkloads } from "#server/apis/workloads.ts";

import { API_SLOTS } from "../workloads/api-workloads.ts";
import type { EcsPlace } from "./ecs-file.ts";
import { type EcsWorkload, imageReleases } from "./image-releases.ts";

/** So that one may fail. */
const TASKS = 2;

/** The domain APIs on Amazon ECS; none if the place does not describe them. */
export function ecsApis(place: EcsPlace): EcsWorkload[] {
  const { apis } = place;
  if (apis === undefined) return [];
  return apiWorkloads({ hasNginx: true }).map((workload) => {
    const { name } = workload;
    const images = {
      name,
      image: `${apis.registry}/quarterdeck/${name}`,
      secrets: secretsOf(workload, apis.secrets),
      environmentOf: (release: string) => ({ ...apis.settings, API_RELEASE: release }),
      healthCommand: (port: number, path: string) => [
        "CMD",
        "docker/health.sh",
        String(port),
        path,
      ],
    };
    return {
      ...images,
      ...imageReleases(images, place),
      workload,
      tasks: TASKS,
      slots: API_SLOTS,
      edgePort: undefined,
      migrations: {},
    };
  });
}

const secretsOf = (
  { programs }: Workload,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(secrets).filter(([name]) => programs.some((it) => it.secrets.includes(name))),
  );
