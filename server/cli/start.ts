import { readSources } from "#collectors/configured/sources-file.ts";
import { findLogs } from "#collectors/sources/usual-places.ts";
import { systemClock } from "#platform/clock.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { openTerminal } from "#platform/terminal.ts";
import { namesReceivers } from "#receivers/settings.ts";
import { listTokens } from "#receivers/tokens/token-file.ts";

import { ownRoles } from "../composition.ts";
import { openDataFolder } from "../data-folder.ts";
import { lastStartDamage, type LastStart, readLastStart } from "../last-start.ts";
import { ALL_SETTINGS } from "../settings.ts";
import type { WorkspaceKind } from "../workspace.ts";
import type { Command } from "./command.ts";
import { describePaths, describeSources, namedPaths } from "./log-paths.ts";
import { environmentWith, parseOptions } from "./options.ts";
import { runControlPlane } from "./run-control-plane.ts";

export const startCommand: Command = {
  name: "start",
  summary: "Start the control plane: tail logs and show boards (the same as npm start)",
  help: `quarterdeck start [--data DIR] [--port N] [--host H] [--demo] [--no-apis] [--no-deploys] [FILE…]
npm start -- [the same]

Tails the files (also globs; formats are detected), reads the sources of DATA/sources.yaml, and opens the boards. Default:
the files of the last start, else the logs in the usual places; without any sources a demo, a small shop with simulated
visitors.

  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)
  --port N     the port (default 4600, or the next free one; 0: any free port)
  --host H     the address to listen on (default 127.0.0.1)
  --demo       show the demo, even if there are logs
  --no-apis    without the five domain APIs (quarterdeck api --help)
  --no-deploys without the role that deploys (quarterdeck deploy --help)

  npm start -- /var/log/nginx/*.log
  npm start -- access.log --port 8080`,

  async run(args) {
    const { values, positionals } = parseOptions(args, {
      demo: { type: "boolean" },
      "no-apis": { type: "boolean" },
      "no-deploys": { type: "boolean" },
    });
    const settings = parseSettings(ALL_SETTINGS, environmentWith(values));
    const { control, index, receive } = settings;
    const terminal = openTerminal(process.stdout, systemClock);
    const folder = openDataFolder(control);
    const isDemo = values["demo"] === true;
    const damage = lastStartDamage(folder.root);
    if (damage !== undefined) terminal.line(damage);
    const workspace = isDemo
      ? ({ kind: "demo" } as const)
      : await chooseWorkspace(
          folder.root,
          positionals,
          namesReceivers(receive) || listTokens(folder.root).length > 0,
        );
    terminal.line(describe(workspace, isDemo));
    if (workspace.kind === "logs") await describeSources(folder.root, terminal);
    const deploys = values["no-deploys"] !== true;
    const isElsewhere = deploys && settings.deploys.ecsRegion !== undefined;
    if (isElsewhere)
      terminal.line("Deploys run on Amazon ECS: no domain API runs on this machine.");
    const apis = values["no-apis"] === true || isElsewhere ? undefined : settings;
    const roles = ownRoles(folder, { index, receive, apis, deploys });
    const lastStart = isDemo ? { demo: "on" as const } : namedIn(workspace, positionals);
    return runControlPlane(terminal, { settings: control, folder, workspace, roles, lastStart });
  },
};

type StartedWorkspace = Exclude<WorkspaceKind, { kind: "replay" }>;

async function chooseWorkspace(
  root: string,
  files: string[],
  isPushedTo: boolean,
): Promise<StartedWorkspace> {
  const named = namedPaths(root, files);
  if (named) return { kind: "logs", paths: named };
  const lastStart = readLastStart(root);
  const found = lastStart.demo === "on" ? [] : await findLogs();
  const isLogs =
    found.length > 0 || lastStart.demo === "off" || isPushedTo || (await hasSources(root));
  return isLogs ? { kind: "logs", paths: found } : { kind: "demo" };
}

/** Whether a sources file names any. One with mistakes does, so that they are shown instead of the demo. */
async function hasSources(root: string): Promise<boolean> {
  const read = await readSources(root);
  return !read.ok || read.file.sources.length > 0;
}

const namedIn = (kind: StartedWorkspace, files: readonly string[]): Partial<LastStart> =>
  kind.kind === "logs" && files.length > 0 ? { paths: kind.paths } : {};

function describe(kind: StartedWorkspace, isRequested: boolean): string {
  if (kind.kind === "demo") {
    const why = isRequested ? "Showing" : "No logs were named or found: showing";
    return `${why} a demo (a small shop with simulated visitors).`;
  }
  if (kind.paths.length === 0) {
    return "No log files are named: name them with npm start -- FILE…, or in sources.yaml in the data folder.";
  }
  return describePaths(kind.paths);
}
