import path from "node:path";

import { followDeployedApis } from "./apis/deployed-apis.ts";
import { type Apis, type ApisSettings, startApis } from "./apis/start-apis.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Deploys } from "./deploys/follow-deploys.ts";
import { startDeploys } from "./deploys/start-deploys.ts";
import { followForecasters } from "./forecaster/follow-forecasters.ts";
import { type Forecaster, startForecastThread } from "./forecaster/forecast-thread.ts";
import { type Indexing, otherIndexers, ownIndexer } from "./indexer/indexing.ts";
import { type ReceiversThread, startReceiversThread } from "./receivers/receivers-thread.ts";
import type { IndexSettings, ReceiveSettings } from "./settings.ts";

type StartApisOptions = {
  isDemo: boolean;
  /** The role that deploys. */
  deploys: Pick<Deploys, "ask">;
};

/** The roles that a control plane uses: threads and children of its process, or separate processes. */
export type Roles = {
  indexing: Indexing;
  startForecaster(): Forecaster;
  /** Undefined if no logs are to be pushed, or another process listens for them. */
  startReceivers: ((notify: (line: string) => void) => ReceiversThread) | undefined;
  /** The domain APIs, started last. The control plane works without them. */
  startApis:
    | ((notify: (line: string) => void, options: StartApisOptions) => Promise<Apis>)
    | undefined;
  /** The role that deploys. Undefined if another process is to run it. */
  startDeploys: ((notify: (line: string) => void) => { stop(): Promise<void> }) | undefined;
};

/** All roles in one process tree, as run by `quarterdeck start`. */
export const ownRoles = (
  folder: DataFolder,
  settings: {
    index: IndexSettings;
    receive: ReceiveSettings | undefined;
    apis: ApisSettings | undefined;
    deploys: boolean;
  },
): Roles => {
  const { index, receive, apis, deploys } = settings;
  const logFile = path.join(folder.root, "logs", "receive.log");
  return {
    indexing: ownIndexer(index, folder),
    startForecaster: startForecastThread,
    startReceivers:
      receive && ((notify) => startReceiversThread({ settings: receive, logFile }, notify)),
    startApis:
      apis &&
      ((notify, options) =>
        deploys
          ? followDeployedApis({ ...apis, deploys: options.deploys }, notify, options)
          : startApis(apis, notify, options)),
    startDeploys: deploys
      ? (notify) => startDeploys(folder.root, { servesApis: apis !== undefined }, notify)
      : undefined,
  };
};

/** Only the control plane, as run by `quarterdeck role control`. */
export const otherRoles = ({ root }: DataFolder): Roles => ({
  indexing: otherIndexers(root),
  startForecaster: () => followForecasters(root),
  startReceivers: undefined,
  startApis: undefined,
  startDeploys: undefined,
});
