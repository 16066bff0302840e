import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { errorCode } from "#platform/errors.ts";
import { type ReadYaml, readYaml } from "#platform/yaml.ts";

import { SOURCE_KINDS } from "./kinds.ts";
import type { SourceKind } from "./source-kind.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const SOURCES_MAX = 5_000;
const EXCLUDED_MAX = 10_000;
const MISTAKES_MAX = 20;

/** A source in the file. */
export type ConfiguredSource = {
  id: string;
  kind: SourceKind;
  /** The format that its lines are tried with first, which need not exist; undefined: they are recognised. */
  format: string | undefined;
  /** Valid properties of its kind. */
  properties: Readonly<Record<string, unknown>>;
};

/** The sources of a data folder. */
export type SourcesFile = {
  sources: readonly ConfiguredSource[];
  /** Paths that are not read although they were named at start or found in the usual places. */
  exclude: readonly string[];
};

export const NO_SOURCES: SourcesFile = { sources: [], exclude: [] };

/** The names of the formats that were chosen for sources, by source. */
export const chosenIn = ({ sources }: SourcesFile): Map<string, string> =>
  new Map(sources.flatMap(({ id, format }) => (format === undefined ? [] : [[id, format]])));

/** A mistake in the file: `field` with dots, from 1 `line`; `message` says what to do. */
export type SourcesMistake = { line: number; field: string; message: string };

export type ReadSources =
  | { ok: true; file: SourcesFile }
  | { ok: false; mistakes: readonly SourcesMistake[] };

export const sourcesFileIn = (dataFolder: string): string => join(dataFolder, "sources.yaml");

const SourceName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: "use 1 to 63 of a-z, 0-9, dots, underscores and hyphens, for example: web",
});

const kindNames = SOURCE_KINDS.map(({ kind }) => kind);

const FormatName = z.string().regex(/^[a-z0-9][a-z0-9_.]{0,255}$/, {
  error: "give the name of a format, for example nginx.access",
});

const Entry = z.looseObject({
  id: SourceName,
  format: FormatName.optional(),
  kind: z.enum(kindNames, { error: `choose one of: ${kindNames.join(", ")}` }),
});

const File = z.strictObject({
  sources: z.array(Entry).max(SOURCES_MAX).default([]),
  exclude: z.array(z.string()).max(EXCLUDED_MAX).default([]),
});

/** Parses the text of a sources file. */
export function parseSources(text: string): ReadSources {
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    return refused([{ line: 1, field: "", message: "the file is larger than 1 MiB" }]);
  }
  if (text.trim() === "") return { ok: true, file: NO_SOURCES };
  const read = readYaml(text);
  if (!read.ok) {
    const [, line = "1"] = /^line (\d+): /.exec(read.message) ?? [];
    const message = read.message.replace(/^line \d+: /, "");
    return refused([{ line: Number(line), field: "", message }]);
  }
  // A file with comments only.
  if (read.value === null) return { ok: true, file: NO_SOURCES };
  return readEntries(read);
}

function readEntries(read: Extract<ReadYaml, { ok: true }>): ReadSources {
  const parsed = File.safeParse(read.value);
  const place = (issue: Located): SourcesMistake => ({
    line: read.lineOf(issue.at),
    field: issue.at.join("."),
    message: issue.message,
  });
  if (!parsed.success) return refused(located(parsed.error, []).map(place));
  const mistakes: Located[] = [];
  const lines = new Map<string, number>();
  const sources = parsed.data.sources.flatMap((entry, index): ConfiguredSource[] => {
    const at = ["sources", String(index)];
    const before = lines.get(entry.id);
    if (before !== undefined) {
      const message = `the id ${entry.id} is already used in line ${before}: choose another one`;
      mistakes.push({ at: [...at, "id"], message });
    }
    lines.set(entry.id, read.lineOf([...at, "id"]));
    const source = configured(entry);
    if (source.ok) return [source.source];
    mistakes.push(...located(source.error, at));
    return [];
  });
  if (mistakes.length > 0) return refused(mistakes.map(place));
  return { ok: true, file: { sources, exclude: parsed.data.exclude } };
}

type CheckedSource = { ok: true; source: ConfiguredSource } | { ok: false; error: z.ZodError };

/** Checks the properties of a source by the schema of its kind. */
function configured({ id, kind: name, format, ...rest }: z.infer<typeof Entry>): CheckedSource {
  const kind = SOURCE_KINDS.find((it) => it.kind === name);
  if (!kind) throw new Error(`the schema accepts only known kinds, not ${name}`);
  const given = format !== undefined && !kind.hasLines ? { ...rest, format } : rest;
  const properties = kind.schema.safeParse(given);
  return properties.success
    ? { ok: true, source: { id, kind, format, properties: properties.data } }
    : { ok: false, error: properties.error };
}

type Located = { at: readonly string[]; message: string };

function located({ issues }: z.ZodError, parent: readonly string[]): Located[] {
  return issues.flatMap((issue): Located[] => {
    const at = [...parent, ...issue.path.map(String)];
    if (issue.code !== "unrecognized_keys") return [{ at, message: issue.message }];
    return issue.keys.map((key) => ({
      at: [...at, key],
      message: "there is no such property: check its spelling, or remove it",
    }));
  });
}

const refused = (mistakes: readonly SourcesMistake[]): ReadSources => ({
  ok: false,
  mistakes: mistakes.slice(0, MISTAKES_MAX),
});

/** Reads the sources file of a data folder, which need not exist. */
export async function readSources(dataFolder: string): Promise<ReadSources> {
  const file = sourcesFileIn(dataFolder);
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) {
      return refused([{ line: 1, field: "", message: "the file is larger than 1 MiB" }]);
    }
    return parseSources(await readFile(file, "utf8"));
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return { ok: true, file: NO_SOURCES };
    if (code === undefined) throw error;
    const message = `the file cannot be read (${code}): grant read permission to the user of Quarterdeck`;
    return refused([{ line: 1, field: "", message }]);
  }
}

/** "line 4, sources.1.paths: name at least one path". */
export const mistakeText = ({ line, field, message }: SourcesMistake): string =>
  `line ${line}${field === "" ? "" : `, ${field}`}: ${message}`;
