import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import { detectFormat } from "#collectors/detect.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import { findFormat } from "#collectors/formats/index.ts";
import { lineText } from "#collectors/line-column.ts";
import { Parser } from "#collectors/parse.ts";
import type { Zone } from "#collectors/zone.ts";

import type { LastLine } from "./source-activity.ts";

export type DescribedLine = {
  path: string;
  /** As it arrived, without secrets. */
  raw: string;
  /** Dotted ECS fields; `error.message` states why it cannot be parsed. */
  fields: Record<string, unknown>;
};

type Context = {
  zone: Zone;
  nowMs: number;
  rules: DeriveRules;
  /** Removes secrets; undefined if none are to be removed. */
  redact: ((text: string) => string) | undefined;
};

/** The line that arrived last, and what is read of it now. */
export function describeLastLine(
  { path, bytes, format: name }: LastLine,
  { redact, ...context }: Context,
): DescribedLine {
  const original = lineText(bytes);
  const raw = redact ? redact(original) : original;
  const format =
    (name === undefined ? undefined : findFormat(name)) ??
    detectFormat(bytes, path, { cloudFrontFields: context.rules.cloudFrontFields }).format;
  if (!format) return { path, raw, fields: { "error.message": "no format can parse it" } };
  const parser = new Parser({
    ...context,
    format,
    hasOthers: format !== ecs,
    mode: "text",
    all: true,
  });
  const documents = [...parser.push(Buffer.from(raw)), ...parser.end()];
  const fields = documents.at(-1) ?? {};
  delete fields["event.original"];
  return { path, raw, fields };
}
