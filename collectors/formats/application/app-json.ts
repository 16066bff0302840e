import type { Format } from "#collectors/format.ts";

import { FIELDS_MAX, flatten, parseJsonLine } from "../json-line.ts";
import { RowWriter } from "../text-line.ts";
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
    const row = new RowWriter(batch, context);
    return (bytes, start, end) => {
      const parsed = parseJsonLine(bytes, start, end);
      if ("reason" in parsed) return parsed.reason;
      const fields = flatten(parsed.object);
      if (!fields) return `JSON has more than ${FIELDS_MAX} fields`;
      row.begin();
      const refused = putApplicationFields(row, fields);
      if (refused === undefined) row.end();
      return refused;
    };
  },
};
