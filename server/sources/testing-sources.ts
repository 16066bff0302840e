import type { FollowedSources } from "#collectors/configured/follow-sources.ts";
import { mistakeText, parseSources } from "#collectors/configured/sources-file.ts";
import type { SourceActivity } from "#pipeline/ingest/source-activity.ts";
import { type IndexerStatus, NO_STATUS } from "#pipeline/live-link/messages.ts";

import type { WorkspaceStatus } from "../workspace.ts";
import { NO_ACTIVITY } from "./source-rows.ts";

/** A workspace that has read what the status states, for tests. */
export const workspaceWith = (status: Partial<IndexerStatus>) => ({
  kind: "logs" as const,
  status: (): WorkspaceStatus => ({ ...NO_STATUS, ...status, indexers: 1, indexerFailure: null }),
});

const refresh = async (): Promise<void> => undefined;

/** A valid sources file with this text. */
export function fileWith(text: string): FollowedSources {
  const read = parseSources(text);
  if (!read.ok) throw new Error(read.mistakes.map(mistakeText).join());
  return { path: "sources.yaml", file: () => read.file, status: () => [], refresh };
}

export const activityOf = (
  source: string,
  values: Partial<SourceActivity> = {},
): SourceActivity => ({
  source,
  ...NO_ACTIVITY,
  ...values,
});

export const NO_LISTENERS = () => ({ listening: [], statuses: [] });
