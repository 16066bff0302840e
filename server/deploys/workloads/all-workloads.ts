import { AppError } from "#platform/errors.ts";
import type { Environment } from "#platform/settings/settings.ts";

import { managedApis } from "./api-workloads.ts";
import { isInstalled } from "./is-installed.ts";
import type { ManagedWorkload } from "./managed-workload.ts";
import { readWorkloadsFile, workloadsFileIn } from "./workloads-file.ts";

type PlacedWorkload = ManagedWorkload & { edgePort: number };

export type ManagedWorkloads = {
  all: readonly PlacedWorkload[];
  /** @throws AppError not_found */
  find(name: string): PlacedWorkload;
};

/** The domain APIs and the workloads of `workloads.yaml`. @throws AppError bad_request */
export function openWorkloads(
  dataFolder: string,
  { env, edgePort }: { env: Environment; edgePort: number },
): ManagedWorkloads {
  const apis = managedApis(dataFolder, { env, hasNginx: isInstalled("nginx") });
  const own = readWorkloadsFile(dataFolder);
  const all = [...apis, ...own].map((it, index) => ({
    ...it,
    edgePort: it.edgePort ?? edgePort + index + 1,
  }));
  const names = all.map(({ workload }) => workload.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    const file = workloadsFileIn(dataFolder);
    throw new AppError("bad_request", `${file}: there are two workloads named ${twice}.`);
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
