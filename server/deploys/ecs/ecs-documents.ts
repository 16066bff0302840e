import { COLOURS } from "#deployer/drivers.ts";
import {
  deployerPolicy,
  executionPolicy,
  filesPolicy,
  tasksTrust,
} from "#deployer/fleet/policies.ts";
import { serviceInput } from "#deployer/fleet/service-input.ts";

import { migrationName } from "../workloads/managed-workload.ts";
import type { EcsPlace } from "./ecs-file.ts";
import { type EcsWorkload, rolesOf } from "./image-releases.ts";
import { fleetPlaceOf } from "./open-ecs-fleet.ts";

type Installation = { place: EcsPlace; workloads: readonly EcsWorkload[]; release: string };

/**
 * What workloads need on Amazon ECS, by file name: their task definitions and the services of both colours as requests, and the
 * policies of the roles of each one's tasks and of the deployer.
 */
export function ecsDocuments({ place, workloads, release }: Installation): Record<string, object> {
  const { account, region, cluster } = place;
  return {
    "policies/deployer": deployerPolicy({
      account,
      region,
      cluster,
      workloads: workloads.map((it) => ({ name: it.workload.name, families: familiesOf(it) })),
      roles: workloads.flatMap(({ workload }) => Object.values(rolesOf(workload.name, place))),
    }),
    "policies/trust-of-tasks": tasksTrust({ account, region }),
    ...Object.assign({}, ...workloads.map((it) => workloadDocuments(it, place, release))),
  };
}

/** Also of its migrations, which are tasks of their own. */
const familiesOf = ({ workload: { name }, migrations }: EcsWorkload): string[] => [
  name,
  ...(["expand", "contract"] as const).flatMap((kind) =>
    migrations[kind] === undefined ? [] : [migrationName(name, kind)],
  ),
];

function workloadDocuments(
  { workload, manifestOf, image, secrets }: EcsWorkload,
  place: EcsPlace,
  release: string,
): Record<string, object> {
  const { name, programs } = workload;
  const { account, region, logGroup, apis } = place;
  const service = (colour: string): object =>
    serviceInput(fleetPlaceOf(place), {
      name: `${name}-${colour}`,
      taskDefinition: name,
      count: 0,
      tags: {},
    });
  const execution = {
    repository: repositoryOf(image, place),
    logGroup,
    secrets: Object.values(secrets),
  };
  return {
    [`task-definitions/${name}`]: manifestOf(release, workload),
    [`policies/${name}-execution`]: executionPolicy({ account, region, ...execution }),
    ...(apis && programs.some((it) => it.files === "shared")
      ? { [`policies/${name}-task`]: filesPolicy({ account, region }, apis) }
      : {}),
    ...Object.fromEntries(COLOURS.map((colour) => [`services/${name}-${colour}`, service(colour)])),
  };
}

function repositoryOf(image: string, { account, region }: EcsPlace): string | undefined {
  const registry = `${account}.dkr.ecr.${region}.amazonaws.com/`;
  return image.startsWith(registry) ? image.slice(registry.length) : undefined;
}
