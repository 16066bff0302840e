import { readFileSync } from "node:fs";

import { z } from "zod";

import type { SettingGroup } from "#platform/settings/settings.ts";

import { NO_PROCESSING } from "./processing.ts";
import { readProcessing } from "./read-processing.ts";

const FILE_BYTES_MAX = 1024 * 1024;

const file = z.string().transform((path, context) => {
  if (path === "none") return NO_PROCESSING;
  const read = readFile(path);
  if ("processing" in read) return read.processing;
  for (const message of read.mistakes) context.addIssue({ code: "custom", message });
  return z.NEVER;
});

function readFile(path: string): ReturnType<typeof readProcessing> {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length <= FILE_BYTES_MAX) return readProcessing(text);
    return { mistakes: [`the file has more than ${FILE_BYTES_MAX} bytes`] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { mistakes: [`the file cannot be read (${why})`] };
  }
}

export const processingSettings = {
  processing: {
    variable: "QUARTERDECK_PROCESSING",
    schema: file,
    default: "none",
    description:
      "YAML file with what happens to events before they are stored, such as redaction: see docs/processing.md. It is read at the start.",
  },
} satisfies SettingGroup;
