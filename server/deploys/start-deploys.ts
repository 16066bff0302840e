import { fileURLToPath } from "node:url";

import { AWS_PREFIX } from "#api/reporting/settings.ts";
import { startChild } from "#platform/processes/child-process.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import { ALL_SETTINGS } from "../settings.ts";

const PROCESS = fileURLToPath(new URL("deploys-process.ts", import.meta.url));

/**
 * The role `deploys` beside a control plane, in a process of its own, which is started again if it ends.
 * `servesApis`: whether it runs the domain APIs.
 */
export function startDeploys(
  dataFolder: string,
  { servesApis }: { servesApis: boolean },
  notify: (line: string) => void,
): { stop(): Promise<void> } {
  const env = processEnvironment(process.env, {
    settings: ALL_SETTINGS,
    prefixes: [AWS_PREFIX],
  });
  return startChild({
    name: "The role deploys",
    module: PROCESS,
    args: servesApis ? ["--serve-apis"] : [],
    env: { ...env, QUARTERDECK_DATA: dataFolder },
    writeLines: (lines) => notify(lines.trimEnd()),
    notify,
  });
}
