import { existsSync, readFileSync } from "node:fs";

import type { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { readYaml } from "#platform/yaml.ts";

/** What a YAML file has; undefined without the file. @throws AppError bad_request with each wrong field and its line */
export function readYamlFile<Value>(file: string, schema: z.ZodType<Value>): Value | undefined {
  if (!existsSync(file)) return undefined;
  const read = readYaml(readFileSync(file, "utf8"));
  if (!read.ok) throw new AppError("bad_request", `${file}: ${read.message}`);
  const parsed = schema.safeParse(read.value);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map(({ path: keys, message }) => {
    const names = keys.map(String);
    return `line ${read.lineOf(names)}: ${names.length === 0 ? "" : `${names.join(".")}: `}${message}`;
  });
  throw new AppError("bad_request", `${file}: ${mistakes.join("; ")}`);
}
