import { readFile } from "node:fs/promises";

import { editedSources, type SourcesEdit } from "#collectors/configured/edit-sources.ts";
import { parseSources, sourcesFileIn } from "#collectors/configured/sources-file.ts";
import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

import { checkEntry } from "./check-entry.ts";

/** Changes the sources file of a data folder, one change after the other. */
export type SourcesEditor = {
  /** @throws AppError as `editedSources` and `checkEntry`, and unavailable if the file cannot be written */
  apply(change: SourcesEdit): Promise<void>;
};

export function openSourcesEditor(dataFolder: string): SourcesEditor {
  const file = sourcesFileIn(dataFolder);
  let last: Promise<void> = Promise.resolve();

  async function change(edit: SourcesEdit): Promise<void> {
    const before = await readFile(file, "utf8").catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return "";
      throw notChanged(file, error);
    });
    const after = editedSources(before, edit);
    if (edit.edit === "add") await checkEntry(edit.entry);
    if (edit.edit === "change") await checkEntry(edit.entry, listenerIn(before, edit.id));
    try {
      replaceFile(file, after);
    } catch (error) {
      throw notChanged(file, error);
    }
  }

  return {
    apply(edit) {
      const changing = last.then(() => change(edit));
      last = changing.catch(() => undefined);
      return changing;
    },
  };
}

/** What an entry listens on now. */
function listenerIn(text: string, id: string): Listener | undefined {
  const read = parseSources(text);
  const source = read.ok ? read.file.sources.find((it) => it.id === id) : undefined;
  return source?.kind.listener?.(source.properties, id);
}

const notChanged = (file: string, error: unknown): AppError =>
  new AppError(
    "unavailable",
    `${file} cannot be changed (${errorCode(error) ?? String(error)}): free disk space, or grant write access to the user of Quarterdeck`,
    { cause: error },
  );
