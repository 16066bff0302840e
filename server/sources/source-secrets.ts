import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";

import type { SourceEntry } from "#collectors/configured/edit-sources.ts";
import { formFields } from "#collectors/configured/form-fields.ts";
import { SOURCE_KINDS } from "#collectors/configured/kinds.ts";
import type { ConfiguredSource } from "#collectors/configured/sources-file.ts";
import { AppError } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";

/** Secrets that were entered, by the property that names their file. */
export type Secrets = Readonly<Record<string, string>>;

const folderIn = (dataFolder: string): string => path.join(dataFolder, "secrets");

const fileOf = (dataFolder: string, id: string, property: string): string =>
  path.join(folderIn(dataFolder), `${id}-${property}`);

/**
 * The entry with the files of its secrets, which are not written yet: its id may be invalid.
 * @throws AppError for a secret that sources of its kind do not have
 */
export function withSecretFiles(
  entry: SourceEntry,
  secrets: Secrets,
  dataFolder: string,
): SourceEntry {
  const kind = SOURCE_KINDS.find((it) => it.kind === entry.kind);
  const known = new Set(
    (kind ? formFields(kind) : []).flatMap((field) => (field.secretFile ? [field.name] : [])),
  );
  const files = Object.keys(secrets).map((property) => {
    if (known.has(property)) return [property, fileOf(dataFolder, entry.id, property)];
    const message = "sources of this kind have no such secret";
    const fields = [{ path: `body.secrets.${property}`, code: "invalid", message } as const];
    throw new AppError("bad_request", message, { fields });
  });
  return { ...entry, properties: { ...entry.properties, ...Object.fromEntries(files) } };
}

/** Writes the secrets of an entry with a valid id, each readable by the user of Quarterdeck only. */
export function writeSecrets(dataFolder: string, id: string, secrets: Secrets): void {
  for (const [property, secret] of Object.entries(secrets)) {
    mkdirSync(folderIn(dataFolder), { recursive: true, mode: 0o700 });
    replaceFile(fileOf(dataFolder, id, property), `${secret}\n`);
  }
}

/** Removes the files that `writeSecrets` wrote for a source, and `kept` does not name. */
export function removeSecrets(
  dataFolder: string,
  source: ConfiguredSource | undefined,
  kept: SourceEntry | undefined,
): void {
  const inUse = new Set(Object.values(kept?.properties ?? {}));
  for (const value of Object.values(source?.properties ?? {})) {
    const isOurs = typeof value === "string" && path.dirname(value) === folderIn(dataFolder);
    if (isOurs && !inUse.has(value)) rmSync(value, { force: true });
  }
}
