import type { FollowedSources } from "#collectors/configured/follow-sources.ts";
import {
  ROWS_MAX,
  type SourceRow,
  type SourcesAnswer,
  SourcesView,
} from "#dashboards/sources/messages.ts";
import type { Clock } from "#platform/clock.ts";

import type { Workspace } from "../workspace.ts";
import type { Listeners } from "./listeners.ts";
import { type Sight, selectSources } from "./select-sources.ts";
import { sourcesOf, type SourceWithParts } from "./source-rows.ts";

const EXCLUDED_MAX = 100;

export type SourcesDeps = {
  workspace(): Pick<Workspace, "kind" | "status">;
  /** The sources file, as the control plane follows it. */
  sourcesFile: FollowedSources;
  /** What listens for pushed events. */
  listeners(nowMs: number): Listeners;
  clock: Clock;
};

/** All sources, those with problems first. */
export const sourceRowsOf = (deps: SourcesDeps): SourceRow[] => {
  const view = SourcesView.parse({ limit: String(ROWS_MAX) });
  return observeSources(deps)(view, { maySeeLines: true, mayManage: true }).rows;
};

/** The state of all sources at one time, for several views. */
export function observeSources({
  workspace,
  sourcesFile,
  listeners,
  clock,
}: SourcesDeps): (view: SourcesView, sight: Sight) => SourcesAnswer {
  const { kind, status } = workspace();
  const { sources: statuses, activities, lastLines: lines, indexers, ...errors } = status();
  const { storeError, busError } = errors;
  const nowMs = clock.nowMs();
  // The sources of the file are not read while the boards show the demo or a replay.
  const file = kind === "logs" ? sourcesFile.file() : { sources: [], exclude: [] };
  const { listening, statuses: receivers } =
    kind === "replay" ? { listening: [], statuses: [] } : listeners(nowMs);
  const known = { statuses, receivers, activities, file, storeError, busError, nowMs };
  const all: readonly SourceWithParts[] = sourcesOf(known);
  const [problem] = sourcesFile.status();
  return (view, sight) => ({
    ...selectSources(all, view, { sight, lines }),
    listening,
    demo: kind === "demo",
    hasIndexer: indexers > 0,
    excluded: file.exclude.slice(0, EXCLUDED_MAX),
    filePath: sourcesFile.path,
    fileProblem: problem ? `${problem.path} ${problem.message}` : null,
    ...sight,
    atMs: nowMs,
  });
}
