import { mkdirSync } from "node:fs";
import path from "node:path";

import { findLogs } from "#collectors/sources/usual-places.ts";
import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { openLog } from "#platform/log.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import { parseSettings } from "#platform/settings/settings.ts";
import { openTerminal, type Terminal } from "#platform/terminal.ts";

import { otherRoles } from "../composition.ts";
import { openDataFolder } from "../data-folder.ts";
import { type DeploysRoleOptions, runDeploysRole } from "../deploys/run-deploys.ts";
import { type AgentAbout, runEdgeAgent } from "../edge-agent/run-edge-agent.ts";
import { runForecastRole } from "../forecaster/forecast-role.ts";
import { runIndexRole } from "../indexer/index-role.ts";
import { indexerTask } from "../indexer/task.ts";
import { lastStartDamage, trySaveLastStart } from "../last-start.ts";
import { holderLogFile, runHolder } from "../receivers/run-holder.ts";
import {
  controlSettings,
  deploysSettings,
  edgeAgentSettings,
  indexSettings,
  receiveSettings,
} from "../settings.ts";
import type { WorkspaceKind } from "../workspace.ts";
import type { Command } from "./command.ts";
import { describePaths, describeSources, namedPaths } from "./log-paths.ts";
import { environmentWith, type Options, parseOptions } from "./options.ts";
import { runControlPlane } from "./run-control-plane.ts";
import { untilSignal } from "./until-signal.ts";

export const roleCommand: Command = {
  name: "role",
  summary: "Run one role of the control plane as a separate process",
  help: `quarterdeck role index [--data DIR] [FILE…]
quarterdeck role control [--data DIR] [--port N] [--host H]
quarterdeck role forecast [--data DIR]
quarterdeck role receive [--data DIR]
quarterdeck role deploys [--data DIR] [--stop-tasks]
quarterdeck role edge-agent [--data DIR]

Runs one of the roles that quarterdeck start runs together. Roles with the same data folder connect to each other, in
any order of starting. Each role reads only its own settings.

  index      tails the files (default: those of the last start, else the logs in the usual places) and stores their events
             and those that were pushed, and reads the sources of DATA/sources.yaml. Several may run; no line is read twice
  control    serves the boards: pages, HTTP and sockets. Without an indexer they show stored events, but no live numbers
  forecast   computes forecasts for control. Without it, control shows earlier forecasts
  receive    receives pushed logs on QUARTERDECK_PUSH_PORT (default 4680), and on the listeners of DATA/sources.yaml, and keeps
             them for index. Senders over HTTP need a token (quarterdeck token --help)
  deploys    moves workloads to releases (quarterdeck deploy --help): it runs the local fleet, or uses Amazon ECS, and the edge. When
             it ends, tasks go on, and the next one continues with them and with deploys that have not ended
  edge-agent runs HAProxy and Varnish on another machine for the role deploys (quarterdeck edge-agent --help). They go on when it
             ends

  --data DIR   the data folder (default: QUARTERDECK_DATA, else ./data)
  --stop-tasks when deploys ends, tasks and edge end too
  --port N     the port of control (default 4600, or the next free one; 0: any free port)
  --host H     the address that control listens on (default 127.0.0.1)

  quarterdeck role index /var/log/nginx/*.log
  quarterdeck role control --port 8080`,

  async run(args) {
    const { values, positionals } = parseOptions(args, { "stop-tasks": { type: "boolean" } });
    const [name = "", ...rest] = positionals;
    const role = Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
    if (!role || (rest.length > 0 && name !== "index")) {
      throw new AppError(
        "bad_request",
        `name one of ${Object.keys(ROLES).join(", ")}, such as: quarterdeck role index`,
      );
    }
    return role(values, rest);
  },
};

type RunRole = (values: Options["values"], rest: readonly string[]) => Promise<number>;

const ROLES: Readonly<Record<string, RunRole>> = {
  index,
  control,
  forecast,
  receive,
  deploys,
  "edge-agent": edgeAgent,
};

const STOPPING = "Stopping: storing the events that were read …";

async function index(values: Options["values"], files: readonly string[]): Promise<number> {
  const { index: settings } = parseSettings({ index: indexSettings }, environmentWith(values));
  const { dataFolder } = settings;
  const folder = openDataFolder(settings);
  const terminal = openTerminal(process.stdout, systemClock);
  const damage = lastStartDamage(folder.root);
  if (damage !== undefined) terminal.line(damage);
  const named = namedPaths(folder.root, files);
  const unsaved = named && trySaveLastStart(folder.root, { paths: named });
  if (unsaved !== undefined) terminal.line(unsaved);
  const paths = named ?? (await findLogs());
  const bus = "Events pushed to the Logging API are indexed";
  terminal.line(
    paths.length > 0 ? `${describePaths(paths)}\n${bus} too.` : `${bus}; no logs are tailed.`,
  );
  await describeSources(folder.root, terminal);
  const log = openLog({
    file: path.join(folder.root, "logs", "index.log"),
    level: settings.logLevel,
  });
  const { storeUrl, root: sourcesFolder } = folder;
  const task = indexerTask(settings, folder, { storeUrl, paths, sourcesFolder });
  await untilStopped(terminal, STOPPING, (signal) =>
    runIndexRole({ task, dataFolder, log }, signal),
  );
  log.close();
  return 0;
}

async function control(values: Options["values"]): Promise<number> {
  const { control: settings } = parseSettings(
    { control: controlSettings },
    environmentWith(values),
  );
  const folder = openDataFolder(settings);
  const terminal = openTerminal(process.stdout, systemClock);
  const workspace: WorkspaceKind = { kind: "logs", paths: [] };
  const roles = otherRoles(folder);
  return runControlPlane(terminal, { settings, folder, workspace, roles });
}

async function forecast(values: Options["values"]): Promise<number> {
  const { data } = parseSettings({ data: dataFolderSettings }, environmentWith(values));
  const folder = openDataFolder(data);
  const terminal = openTerminal(process.stdout, systemClock);
  terminal.line(`Forecasting for ${folder.root}`);
  await untilStopped(terminal, "Stopping …", (signal) => runForecastRole(folder.root, signal));
  return 0;
}

async function receive(values: Options["values"]): Promise<number> {
  const { receive: settings } = parseSettings(
    { receive: receiveSettings },
    environmentWith(values),
  );
  const { root } = openDataFolder(settings);
  const terminal = openTerminal(process.stdout, systemClock);
  const logFile = path.join(root, "logs", "receive.log");
  const log = openLog({ file: holderLogFile(logFile), level: settings.logLevel });
  const deps = {
    log,
    onOpen: (addresses: readonly string[]): void =>
      terminal.line(
        addresses.length > 0
          ? `Logs can be pushed to ${addresses.join(", ")}`
          : "Logs can be pushed to the listeners in sources.yaml.",
      ),
    notify: (line: string): void => terminal.line(line),
  };
  await untilStopped(terminal, "Stopping …", (signal) =>
    runHolder({ settings, logFile }, deps, signal),
  );
  log.close();
  return 0;
}

async function deploys(values: Options["values"]): Promise<number> {
  const { deploys: settings } = parseSettings(
    { deploys: deploysSettings },
    environmentWith(values),
  );
  const { root } = openDataFolder(settings);
  const terminal = openTerminal(process.stdout, systemClock);
  const log = openLog({ file: path.join(root, "logs", "deploys.log"), level: settings.logLevel });
  const options: DeploysRoleOptions = {
    settings,
    env: process.env,
    log,
    servesApis: false,
    atStop: values["stop-tasks"] === true ? "stop-tasks" : "keep-tasks",
    onWait: (why) => terminal.line(why),
    onOpen: (names) => terminal.line(`Workloads that can be deployed: ${names.join(", ")}`),
  };
  await untilStopped(
    terminal,
    values["stop-tasks"] === true ? "Stopping tasks …" : "Stopping; tasks go on …",
    (signal) => runDeploysRole(options, signal),
  );
  log.close();
  return 0;
}

async function edgeAgent(values: Options["values"]): Promise<number> {
  const { agent: settings } = parseSettings({ agent: edgeAgentSettings }, environmentWith(values));
  const { dataFolder } = settings;
  mkdirSync(path.join(dataFolder, "logs"), { recursive: true, mode: 0o700 });
  const terminal = openTerminal(process.stdout, systemClock);
  const file = path.join(dataFolder, "logs", "edge-agent.log");
  const log = openLog({ file, level: settings.logLevel });
  const options = {
    settings,
    log,
    onOpen: ({ node, address, warning }: AgentAbout): void => {
      terminal.line(`The agent of ${node} is ready for the control plane at ${address}`);
      if (warning !== undefined) terminal.line(warning);
    },
  };
  await untilStopped(terminal, "Stopping; HAProxy and Varnish go on …", (signal) =>
    runEdgeAgent(options, signal),
  );
  log.close();
  return 0;
}

/** Runs the role until it fails or a signal arrives. */
async function untilStopped(
  terminal: Terminal,
  stoppingText: string,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stopping = new AbortController();
  const stopped = untilSignal().then(() => {
    terminal.line(stoppingText);
    stopping.abort();
    return undefined;
  });
  const running = run(stopping.signal);
  await Promise.race([running, stopped]);
  await running;
}
