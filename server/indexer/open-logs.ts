import { type FollowedSources, followSourcesFile } from "#collectors/configured/follow-sources.ts";
import { logPaths } from "#collectors/configured/log-paths.ts";
import { OpenSources } from "#collectors/configured/open-sources.ts";
import type { OpenSource } from "#collectors/configured/source-kind.ts";
import { chosenIn } from "#collectors/configured/sources-file.ts";
import { findFormat } from "#collectors/formats/index.ts";
import type { SourceStatus } from "#collectors/source.ts";
import { fileSource } from "#collectors/sources/files.ts";
import { followFormats } from "#collectors/user-formats/follow-formats.ts";
import { chooseFormats } from "#collectors/user-formats/registry.ts";
import { joinSources } from "#pipeline/ingest/join-sources.ts";
import { type Clock, steadyClock } from "#platform/clock.ts";

export type LogsTask = {
  /** The log files that were named at start. */
  paths: readonly string[];
  locksFolder: string;
  /** The data folder whose sources file is followed; undefined: none is. */
  sourcesFolder?: string;
};

/**
 * Everything that an indexer reads but the bus: the log files that were named, and the sources of the sources file, in
 * the formats of the formats file too. The files may change until the signal aborts.
 */
export async function openLogs(
  { paths, locksFolder, sourcesFolder }: LogsTask,
  clock: Clock,
  signal: AbortSignal,
): Promise<OpenSource> {
  const files = fileSource({ paths, follow: true, clock: steadyClock(), locksFolder });
  if (sourcesFolder === undefined) return files;
  const formatStatus = await followFormats(sourcesFolder, signal);
  const others = new OpenSources({ clock, dataFolder: sourcesFolder, locksFolder });
  const followed = await followSourcesFile(
    sourcesFolder,
    (file) => {
      chooseFormats(chosenIn(file));
      files.setPaths(logPaths(paths, file));
      others.apply(file.sources);
    },
    signal,
  );
  return {
    ...joinSources([files, others]),
    status: () => [
      ...formatStatus(),
      ...followed.status(),
      ...unknownFormats(followed),
      ...files.status(),
      ...others.status(),
    ],
    async [Symbol.asyncDispose]() {
      await others[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

function unknownFormats(followed: FollowedSources): SourceStatus[] {
  return [...chosenIn(followed.file())]
    .filter(([, format]) => !findFormat(format))
    .map(([source, format]) => ({
      path: followed.path,
      source,
      level: "warning",
      message: `names the format ${format}, which does not exist, so that lines are recognised: correct it, or add the format`,
    }));
}
