import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

import { isMap, isSeq } from "yaml";
import { z } from "zod";

import { AppError, errorCode } from "#platform/errors.ts";
import { replaceFile } from "#platform/state-file.ts";
import { type ReadYaml, readYaml } from "#platform/yaml.ts";

import { FORMATS } from "../formats/index.ts";
import type { RegisteredFormat } from "./registry.ts";
import { compileFormat, PATTERN_CHARS_MAX } from "./user-format.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const FORMATS_MAX = 200;
const PATHS_MAX = 100;
const MISTAKES_MAX = 20;

const BUILT_IN = new Set([...FORMATS.map(({ dataset }) => dataset), "quarterdeck.quarantine"]);

export const FormatName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_]{0,62}(?:\.[a-z0-9_]{1,63}){0,3}$/, {
    error: "use a-z, 0-9, underscores and dots, for example: shop.orders",
  })
  .refine((name) => !BUILT_IN.has(name), {
    error: "Quarterdeck has a format of this name: choose another one",
  });

/** A format in the file. */
export const FormatEntry = z.strictObject({
  name: FormatName,
  pattern: z.string().min(1, { error: "write a pattern" }).max(PATTERN_CHARS_MAX),
  paths: z
    .array(
      z
        .string()
        .max(4096)
        .refine((path) => isAbsolute(path), {
          error: "give an absolute path or pattern, for example /srv/shop/*.log",
        }),
    )
    .max(PATHS_MAX)
    .default([]),
});
export type FormatEntry = z.infer<typeof FormatEntry>;

const File = z.strictObject({ formats: z.array(FormatEntry).max(FORMATS_MAX).default([]) });

/** A mistake in the file: `field` with dots, from 1 `line`; `message` says what to do. */
export type FormatsMistake = { line: number; field: string; message: string };

export type ReadFormats =
  | { ok: true; entries: readonly FormatEntry[]; formats: readonly RegisteredFormat[] }
  | { ok: false; mistakes: readonly FormatsMistake[] };

export const formatsFileIn = (dataFolder: string): string => join(dataFolder, "formats.yaml");

/** Parses the text of a formats file, and compiles its patterns. */
export function parseFormats(text: string): ReadFormats {
  const read = readYaml(text);
  if (!read.ok) {
    const [, line = "1"] = /^line (\d+): /.exec(read.message) ?? [];
    const message = read.message.replace(/^line \d+: /, "");
    return { ok: false, mistakes: [{ line: Number(line), field: "", message }] };
  }
  const parsed = File.safeParse(read.value ?? {});
  const mistake = (at: readonly string[], message: string): FormatsMistake => ({
    line: read.lineOf(at),
    field: at.join("."),
    message,
  });
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(({ path, message }) =>
      mistake(path.map(String), message),
    );
    return { ok: false, mistakes: mistakes.slice(0, MISTAKES_MAX) };
  }
  return compiled(parsed.data.formats, mistake);
}

function compiled(
  entries: readonly FormatEntry[],
  mistake: (at: readonly string[], message: string) => FormatsMistake,
): ReadFormats {
  const mistakes: FormatsMistake[] = [];
  const names = new Set<string>();
  const formats = entries.flatMap((entry, index): RegisteredFormat[] => {
    const at = ["formats", String(index)];
    if (names.has(entry.name))
      mistakes.push(
        mistake([...at, "name"], `the name ${entry.name} is used twice: choose another one`),
      );
    names.add(entry.name);
    const result = compileFormat(entry);
    if (result.ok) return [{ format: result.format, paths: entry.paths }];
    mistakes.push(mistake([...at, "pattern"], result.message));
    return [];
  });
  if (mistakes.length > 0) return { ok: false, mistakes: mistakes.slice(0, MISTAKES_MAX) };
  return { ok: true, entries, formats };
}

const refused = (message: string): ReadFormats => ({
  ok: false,
  mistakes: [{ line: 1, field: "", message }],
});

/** Reads the formats file of a data folder, which need not exist. */
export async function readFormats(dataFolder: string): Promise<ReadFormats> {
  try {
    return parseFormats(await textOf(dataFolder));
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof AppError) return refused(error.message);
    if (code === undefined) throw error;
    return refused(
      `the file cannot be read (${code}): grant read permission to the user of Quarterdeck`,
    );
  }
}

/** Empty if there is no file. @throws AppError if it is too large */
async function textOf(dataFolder: string): Promise<string> {
  const file = formatsFileIn(dataFolder);
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) throw new AppError("bad_request", "the file is larger than 1 MiB");
    return await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}

/** "line 4, formats.1.pattern: …". */
export const mistakeText = ({ line, field, message }: FormatsMistake): string =>
  `line ${line}${field === "" ? "" : `, ${field}`}: ${message}`;

/**
 * Adds a format to the file, in place of one of the same name, and keeps the comments of the file.
 * @throws AppError with the mistakes of the format, or of the file
 */
export async function saveFormat(dataFolder: string, entry: FormatEntry): Promise<void> {
  const result = compileFormat(entry);
  if (!result.ok) {
    const fields = [{ path: "body.pattern", code: "invalid", message: result.message }];
    throw new AppError("bad_request", `pattern: ${result.message}`, { fields });
  }
  await edit(
    dataFolder,
    (document, index, count) => {
      if (index < 0 && count >= FORMATS_MAX)
        throw new AppError(
          "conflict",
          `there are ${FORMATS_MAX} formats already: remove one first`,
        );
      if (index < 0) document.addIn(["formats"], document.createNode(entry));
      else document.setIn(["formats", index], document.createNode(entry));
    },
    entry.name,
  );
}

/** Removes a format from the file. @throws AppError if there is none of this name */
export async function removeFormat(dataFolder: string, name: string): Promise<void> {
  await edit(
    dataFolder,
    (document, index) => {
      if (index < 0)
        throw new AppError(
          "not_found",
          `there is no format ${name}: \`quarterdeck format list\` shows them`,
        );
      document.deleteIn(["formats", index]);
    },
    name,
  );
}

type YamlDocument = Extract<ReadYaml, { ok: true }>["document"];

async function edit(
  dataFolder: string,
  change: (document: YamlDocument, index: number, count: number) => void,
  name: string,
): Promise<void> {
  const text = await textOf(dataFolder);
  const present = parseFormats(text);
  if (!present.ok) {
    const mistakes = present.mistakes.map(mistakeText).join("; ");
    throw new AppError("bad_request", `${formatsFileIn(dataFolder)} has mistakes: ${mistakes}`);
  }
  const read = readYaml(text);
  if (!read.ok) throw new Error("the same text was read before");
  const { document } = read;
  if (!isMap(document.contents)) document.contents = document.createNode({});
  if (!isSeq(document.getIn(["formats"]))) document.setIn(["formats"], document.createNode([]));
  change(
    document,
    present.entries.findIndex((entry) => entry.name === name),
    present.entries.length,
  );
  replaceFile(formatsFileIn(dataFolder), document.toString());
}
