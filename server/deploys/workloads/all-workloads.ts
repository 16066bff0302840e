import { SERVICE_NAMES } from "#api/kit/service.ts";
import { apiUrlSettings } from "#api/kit/settings.ts";
import { isInPath } from "#deployer/edge/processes/find-program.ts";
import { AppError } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";
import type { Environment } from "#platform/settings/settings.ts";

import { ecsApis } from "../ecs/ecs-apis.ts";
import type { EcsPlace } from "../ecs/ecs-file.ts";
import { managedApis } from "./api-workloads.ts";
import type { ManagedWorkload } from "./managed-workload.ts";
import { readWorkloadsFile, workloadsFileIn } from "./workloads-file.ts";

type PlacedWorkload = ManagedWorkload & { edgePort: number };

export type ManagedWorkloads = {
  all: readonly PlacedWorkload[];
  /** @throws AppError not_found */
  find(name: string): PlacedWorkload;
};

export type WorkloadsOptions = {
  env: Environment;
  edgeHost: string;
  edgePort: number;
  /** Whether the domain APIs use the data of the demo while it is shown. */
  followsDemo: boolean;
  /** Where tasks run on Amazon ECS; undefined if they run on this machine. */
  ecs: EcsPlace | undefined;
};

/** The domain APIs and the workloads of `workloads.yaml`. @throws AppError bad_request */
export function openWorkloads(dataFolder: string, options: WorkloadsOptions): ManagedWorkloads {
  const { edgePort, ecs } = options;
  const apis = ecs ? ecsApis(ecs) : localApis(dataFolder, options);
  const own = readWorkloadsFile(dataFolder, ecs);
  const all = [...placed(apis, edgePort), ...placed(own, edgePort + SERVICE_NAMES.length)];
  const names = all.map(({ workload }) => workload.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    const file = workloadsFileIn(dataFolder);
    throw new AppError("bad_request", `${file}: there are two workloads named ${twice}.`);
  }
  if (all.length === 0) {
    const message = `There are no workloads: describe the domain APIs in ecs.yaml, or others in ${workloadsFileIn(dataFolder)}.`;
    throw new AppError("bad_request", message);
  }
  const byName = new Map(all.map((it) => [it.workload.name, it]));
  return {
    all,
    find(name) {
      const found = byName.get(name);
      if (found) return found;
      const message = `There is no workload ${name}. The workloads are ${names.join(", ")}.`;
      throw new AppError("not_found", message);
    },
  };
}

/** The next ports are for those that name none. */
const placed = (workloads: readonly ManagedWorkload[], port: number): PlacedWorkload[] =>
  workloads.map((it, index) => ({ ...it, edgePort: it.edgePort ?? port + index + 1 }));

function localApis(
  dataFolder: string,
  { env, edgeHost, edgePort, followsDemo }: WorkloadsOptions,
): ManagedWorkload[] {
  // Tokens name the URL of Accounts, so tasks must know under which one clients reach it.
  const urls = Object.fromEntries(
    SERVICE_NAMES.map((name, index) => [
      apiUrlSettings[name].variable,
      `http://${hostOf(edgeHost)}:${edgePort + index + 1}`,
    ]),
  );
  return managedApis(dataFolder, { env, urls, hasNginx: isInPath("nginx"), followsDemo });
}
