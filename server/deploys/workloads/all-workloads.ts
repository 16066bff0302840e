import { SERVICE_NAMES } from "#api/kit/service.ts";
import { apiUrlSettings } from "#api/kit/settings.ts";
import { AppError } from "#platform/errors.ts";
import { hostOf } from "#platform/listen.ts";
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

export type WorkloadsOptions = {
  env: Environment;
  edgeHost: string;
  edgePort: number;
  /** Whether the domain APIs use the data of the demo while it is shown. */
  followsDemo: boolean;
};

/** The domain APIs and the workloads of `workloads.yaml`. @throws AppError bad_request */
export function openWorkloads(dataFolder: string, options: WorkloadsOptions): ManagedWorkloads {
  const { env, edgeHost, edgePort, followsDemo } = options;
  // Tokens name the URL of Accounts, so tasks must know under which one clients reach it.
  const urls = Object.fromEntries(
    SERVICE_NAMES.map((name, index) => [
      apiUrlSettings[name].variable,
      `http://${hostOf(edgeHost)}:${edgePort + index + 1}`,
    ]),
  );
  const hasNginx = isInstalled("nginx");
  const apis = managedApis(dataFolder, { env, urls, hasNginx, followsDemo });
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
