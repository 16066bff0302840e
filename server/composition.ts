import { type Apis, type ApisSettings, startApis } from "./apis/start-apis.ts";
import type { DataFolder } from "./data-folder.ts";
import { followForecasters } from "./forecaster/follow-forecasters.ts";
import { type Forecaster, startForecastThread } from "./forecaster/forecast-thread.ts";
import { type Indexing, otherIndexers, ownIndexer } from "./indexer/indexing.ts";
import type { IndexSettings } from "./settings.ts";

/** The roles that a control plane uses: threads and children of its process, or separate processes. */
export type Roles = {
  indexing: Indexing;
  startForecaster(): Forecaster;
  /** The domain APIs, started last. The control plane works without them. */
  startApis:
    | ((notify: (line: string) => void, options: { isDemo: boolean }) => Promise<Apis>)
    | undefined;
};

/** All roles in one process tree, as run by `quarterdeck start`. */
export const ownRoles = (
  folder: DataFolder,
  settings: { index: IndexSettings; apis: ApisSettings | undefined },
): Roles => {
  const { index, apis } = settings;
  return {
    indexing: ownIndexer(index, folder),
    startForecaster: startForecastThread,
    startApis: apis && ((notify, options) => startApis(apis, notify, options)),
  };
};

/** Only the control plane, as run by `quarterdeck role control`. */
export const otherRoles = ({ root }: DataFolder): Roles => ({
  indexing: otherIndexers(root),
  startForecaster: () => followForecasters(root),
  startApis: undefined,
});
