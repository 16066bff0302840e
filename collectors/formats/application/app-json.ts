import type { Format } from "#collectors/format.ts";

import { openJsonFields } from "../json-fields.ts";
import { putApplicationFields } from "./fields.ts";
import { APPLICATION_TRAITS } from "./traits.ts";

/** JSON lines of the logging libraries of applications; see names.ts for their names. */
export const appJson: Format = {
  dataset: "app.json",
  title: "application log as JSON lines (pino, winston, bunyan, log4j2, zap, structlog, Python)",
  requests: "mixed",
  isGeneric: true,
  traits: APPLICATION_TRAITS,
  open(batch, context) {
    return openJsonFields(batch, context, (fields, row) => putApplicationFields(row, fields));
  },
};
