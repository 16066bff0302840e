import { type Apis, type ApisSettings, startApis } from "./apis/start-apis.ts";
import type { DataFolder } from "./data-folder.ts";
import { followForecasters } from "./forecaster/follow-forecasters.ts";
import { type Forecaster, startForecastThread } from "./forecaster/forecast-thread.ts";
import { type Indexing, otherIndexers, ownIndexer } from "./indexer/indexing.ts";
import type { IndexSettings } from "./settings.ts";

/** What a control plane works with: in threads and children of its process, or in processes that run on their own. */
export type Roles = {
  indexing: Indexing;
  startForecaster(): Forecaster;
  /** The domain APIs. They are started last, and the control plane works without them. */
  startApis: ((notify: (line: string) => void) => Promise<Apis>) | undefined;
};

/** Everything in one process tree, as `quarterdeck start` runs it. */
export const ownRoles = (
  folder: DataFolder,
  settings: { index: IndexSettings; apis: ApisSettings | undefined },
): Roles => {
  const { index, apis } = settings;
  return {
    indexing: ownIndexer(index, folder),
    startForecaster: startForecastThread,
    startApis: apis && ((notify) => startApis(apis, notify)),
  };
};

/** The control plane alone, as `quarterdeck role control` runs it. */
export const otherRoles = ({ root }: DataFolder): Roles => ({
  indexing: otherIndexers(root),
  startForecaster: () => followForecasters(root),
  startApis: undefined,
});
