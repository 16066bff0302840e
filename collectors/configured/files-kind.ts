import { isAbsolute } from "node:path";

import { z } from "zod";

import { sourceKind } from "./source-kind.ts";

const PATHS_MAX = 1_000;
const PATH_CHARACTERS_MAX = 4_096;

const LogPath = z
  .string()
  .max(PATH_CHARACTERS_MAX)
  .refine((path) => isAbsolute(path), {
    error: "give an absolute path or pattern, for example /var/log/nginx/*.log",
  });

/** Log files, which are followed together by one file source. */
export const filesKind = sourceKind({
  kind: "files",
  title: "Log files",
  summary: "Files of this machine, by path or pattern; rotated and compressed ones too",
  hasLines: true,
  schema: z.strictObject({
    paths: z
      .array(LogPath)
      .min(1, { error: "name at least one path" })
      .max(PATHS_MAX)
      .meta({
        title: "Paths or patterns",
        description: "* stands for any part of a name, and ** for any folders.",
        examples: ["/var/log/nginx/*.log"],
      }),
  }),
});
