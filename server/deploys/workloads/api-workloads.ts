import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import type { Environment, Setting } from "#platform/settings/settings.ts";
import { replaceFile } from "#platform/state-file.ts";
import { workerSettings } from "#server/apis/service-settings.ts";
import { apiWorkloads, type ApiWorkloadsOptions } from "#server/apis/workloads.ts";
import { apiHostSettings } from "#server/settings.ts";

import { localReleases } from "./local-releases.ts";
import type { ManagedWorkload } from "./managed-workload.ts";

const INSTALLATION = fileURLToPath(new URL("../../../", import.meta.url));
/** Tasks of a colour that edge nodes have room for. */
export const API_SLOTS = 4;

export type ManagedApisOptions = ApiWorkloadsOptions & {
  env: Environment;
  /** Variables with the URL of each API, which settings may replace. */
  urls: Readonly<Record<string, string>>;
};

/**
 * The domain APIs. A release is a folder with the files of Quarterdeck in `releases` of the data folder; any other name runs the
 * files of this installation under that name. Tasks get the settings of their API; secrets in files that only the owner can
 * read, because task definitions can be read by everybody who sees the fleet.
 */
export function managedApis(
  dataFolder: string,
  { env, urls, ...options }: ManagedApisOptions,
): ManagedWorkload[] {
  const secretsFolder = path.join(path.resolve(dataFolder), "deploys", "secrets");
  const all = apiWorkloads(options);
  return SERVICE_NAMES.flatMap((service) =>
    all.filter(({ name }) => name === service).map((workload) => ({ service, workload })),
  ).map(({ service, workload }) => {
    const environmentOf = (release: string): Record<string, string> => ({
      ...urls,
      ...settingsOf(service, env, secretsFolder),
      QUARTERDECK_DATA: path.resolve(dataFolder),
      API_RELEASE: release,
      API_WORKERS: "1",
    });
    return {
      workload,
      // One worker as well as `quarterdeck start` has for each.
      tasks: 1,
      slots: API_SLOTS,
      edgePort: undefined,
      environmentOf,
      migrations: {},
      ...localReleases({
        name: workload.name,
        environmentOf,
        folder: path.join(path.resolve(dataFolder), "releases"),
        otherwise: INSTALLATION,
      }),
    };
  });
}

function settingsOf(
  service: ServiceName,
  env: Environment,
  secretsFolder: string,
): Record<string, string> {
  const groups = [apiHostSettings, ...Object.values(workerSettings(service))];
  const all = groups.flatMap((group): Setting[] => Object.values(group));
  return Object.fromEntries(
    all.flatMap(({ variable, secret }): [string, string][] => {
      const value = env[variable] || undefined;
      const file = secret ? env[`${variable}_FILE`] || undefined : undefined;
      if (file !== undefined) return [[`${variable}_FILE`, path.resolve(file)]];
      if (value === undefined) return [];
      return secret
        ? [[`${variable}_FILE`, secretFile(secretsFolder, variable, value)]]
        : [[variable, value]];
    }),
  );
}

function secretFile(folder: string, name: string, value: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, name.toLowerCase());
  replaceFile(file, `${value}\n`);
  return file;
}
