import { fileURLToPath } from "node:url";

import { type ChildOptions, startChild } from "#platform/processes/child-process.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import { indexSettings } from "../settings.ts";

const PROCESS = fileURLToPath(new URL("standby-process.ts", import.meta.url));

/** Starts a process that indexes pushed events while no control plane does. */
export function startStandbyIndexer(
  dataFolder: string,
  options: Pick<ChildOptions, "writeLines" | "notify">,
): { stop(): Promise<void> } {
  const env = processEnvironment(process.env, { settings: { index: indexSettings } });
  return startChild({
    ...options,
    name: "The indexer",
    module: PROCESS,
    env: { ...env, QUARTERDECK_DATA: dataFolder },
  });
}
