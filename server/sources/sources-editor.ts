import { readFile } from "node:fs/promises";

import { editedSources, type SourcesEdit } from "#collectors/configured/edit-sources.ts";
import {
  type ConfiguredSource,
  parseSources,
  sourcesFileIn,
} from "#collectors/configured/sources-file.ts";
import { AppError, errorCode } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

import { checkEntry } from "./check-entry.ts";
import { removeSecrets, type Secrets, withSecretFiles, writeSecrets } from "./source-secrets.ts";

/** Changes the sources file of a data folder, one change after the other. */
export type SourcesEditor = {
  /**
   * Writes the secrets of an entry that is added or changed into files, which the entry then names.
   * @throws AppError as `editedSources`, `checkEntry` and `withSecretFiles`, and unavailable if a file cannot be written
   */
  apply(change: SourcesEdit, secrets?: Secrets): Promise<void>;
};

export function openSourcesEditor(dataFolder: string): SourcesEditor {
  const file = sourcesFileIn(dataFolder);
  let last: Promise<void> = Promise.resolve();

  async function change(given: SourcesEdit, secrets: Secrets): Promise<void> {
    const edit =
      "entry" in given
        ? { ...given, entry: withSecretFiles(given.entry, secrets, dataFolder) }
        : given;
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return "";
      throw notChanged(file, error);
    });
    const after = editedSources(text, edit);
    if (edit.edit === "add") await checkEntry(edit.entry, { dataFolder });
    const changed = "id" in edit ? sourceIn(text, edit.id) : undefined;
    if (edit.edit === "change") {
      const before = changed?.kind.listener?.(changed.properties, edit.id);
      await checkEntry(edit.entry, { dataFolder, before });
    }
    try {
      if ("entry" in edit) writeSecrets(dataFolder, edit.entry.id, secrets);
      replaceFile(file, after);
      removeSecrets(dataFolder, changed, "entry" in edit ? edit.entry : undefined);
    } catch (error) {
      throw notChanged(file, error);
    }
  }

  return {
    apply(edit, secrets = {}) {
      const changing = last.then(() => change(edit, secrets));
      last = changing.catch(() => undefined);
      return changing;
    },
  };
}

function sourceIn(text: string, id: string): ConfiguredSource | undefined {
  const read = parseSources(text);
  return read.ok ? read.file.sources.find((it) => it.id === id) : undefined;
}

const notChanged = (file: string, error: unknown): AppError =>
  new AppError(
    "unavailable",
    `${file} cannot be changed (${errorCode(error) ?? String(error)}): free disk space, or grant write access to the user of Quarterdeck`,
    { cause: error },
  );
