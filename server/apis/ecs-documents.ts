import { COLOURS } from "#deployer/drivers.ts";
import { ecsManifest, type EcsRelease } from "#deployer/fleet/ecs-manifest.ts";
import {
  type Account,
  deployerPolicy,
  executionPolicy,
  filesPolicy,
  tasksTrust,
} from "#deployer/fleet/policies.ts";
import { type FleetPlace, serviceInput } from "#deployer/fleet/service-input.ts";
import type { Workload } from "#deployer/fleet/workload.ts";

import { apiWorkloads } from "./workloads.ts";

export type EcsInstallation = Account & {
  place: FleetPlace;
  /** Host of the registry; the image of a workload is REGISTRY/quarterdeck/NAME:RELEASE. */
  registry: string;
  release: string;
  files: EcsRelease["files"];
  /** Settings of all domain APIs. */
  settings: Readonly<Record<string, string>>;
  /** By variable: the ARN of a secret. Each API gets those that it reads. */
  secrets: Readonly<Record<string, string>>;
};

const LOG_GROUP = "/quarterdeck/apis";

/**
 * What the domain APIs need on Amazon ECS, by file name: their task definitions and the services of both colours as requests,
 * and the policies of the roles of each one's tasks and of the deployer.
 */
export function ecsDocuments(installation: EcsInstallation): Record<string, object> {
  const workloads = apiWorkloads({ hasNginx: true });
  const { account, region, place } = installation;
  return {
    "policies/deployer": deployerPolicy({
      account,
      region,
      cluster: place.cluster,
      workloads: workloads.map(({ name }) => name),
      roles: workloads.flatMap(({ name }) => Object.values(rolesOf(name, installation))),
    }),
    "policies/trust-of-tasks": tasksTrust({ account, region }),
    ...Object.assign({}, ...workloads.map((it) => workloadDocuments(it, installation))),
  };
}

function workloadDocuments(
  workload: Workload,
  installation: EcsInstallation,
): Record<string, object> {
  const { name, programs } = workload;
  const { account, region, place, registry, release, files } = installation;
  const secrets = secretsOf(workload, installation.secrets);
  const repository = `quarterdeck/${name}`;
  const manifest = ecsManifest(workload, {
    ...rolesOf(name, installation),
    image: `${registry}/${repository}:${release}`,
    launchType: place.launchType,
    environment: { ...installation.settings, API_RELEASE: release },
    secrets,
    logs: { group: LOG_GROUP, region },
    files,
  });
  const service = (colour: string): object =>
    serviceInput(place, { name: `${name}-${colour}`, taskDefinition: name, count: 0, tags: {} });
  const execution = { repository, logGroup: LOG_GROUP, secrets: Object.values(secrets) };
  return {
    [`task-definitions/${name}`]: manifest,
    [`policies/${name}-execution`]: executionPolicy({ account, region, ...execution }),
    ...(programs.some((it) => it.files === "shared")
      ? { [`policies/${name}-task`]: filesPolicy({ account, region }, files) }
      : {}),
    ...Object.fromEntries(COLOURS.map((colour) => [`services/${name}-${colour}`, service(colour)])),
  };
}

/** A pair for each workload, so that none can read the secrets or the files of another one. */
function rolesOf(name: string, { account }: Account) {
  const role = (purpose: string): string =>
    `arn:aws:iam::${account}:role/quarterdeck/${name}-${purpose}`;
  return { taskRole: role("task"), executionRole: role("execution") };
}

const secretsOf = (
  { programs }: Workload,
  secrets: EcsInstallation["secrets"],
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(secrets).filter(([name]) => programs.some((it) => it.secrets.includes(name))),
  );
