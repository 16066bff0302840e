/**
 * The role `deploys`, started beside a control plane; it ends with the process that started it, and its tasks with it, unless they
 * run on Amazon ECS.
 */
import path from "node:path";

import { openLog } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { openDataFolder } from "../data-folder.ts";
import { deploysSettings } from "../settings.ts";
import { runDeploysRole } from "./run-deploys.ts";

const { deploys: settings } = parseSettings({ deploys: deploysSettings }, process.env);
const { root } = openDataFolder(settings);
const log = openLog({ file: path.join(root, "logs", "deploys.log"), level: settings.logLevel });
const stop = new AbortController();
// Signals to the process group are handled by the parent, which then stops this process.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);
process.once("SIGTERM", () => stop.abort());
process.once("disconnect", () => stop.abort());
try {
  const servesApis = process.argv.includes("--serve-apis");
  const atStop = settings.ecsRegion === undefined ? "stop-tasks" : "keep-tasks";
  const options = { settings, env: process.env, log, atStop, servesApis } as const;
  await runDeploysRole(options, stop.signal);
  process.exitCode = 0;
} catch (error) {
  log.error("the role deploys failed", { error });
  process.stdout.write(
    `Deploys are not possible: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
log.close();
process.exit();
