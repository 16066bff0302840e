import type { Format } from "#collectors/format.ts";

import { isSet } from "../evidence.ts";
import { openTextLine } from "../text-line.ts";
import { beginsLine, putLine, removeGuessedTime } from "./put-line.ts";

const VENDOR = "system.syslog";
/** The first byte of a priority. */
const LESS_THAN = 0x3c;

/** Lines of any program in the file of a syslog daemon. Those of a program with a format of its own are read by that. */
export const systemSyslog: Format = {
  dataset: VENDOR,
  title: "syslog file (/var/log/syslog, messages)",
  requests: "none",
  isGeneric: true,
  readsHeader: true,
  traits: {
    "event.kind": "event",
    "event.category": undefined,
    "event.type": undefined,
    levelDecidesType: false,
    namesClients: false,
  },
  detection: {
    path: /syslog|messages|system\.log/i,
    evidence: (batch, line) => (isSet(batch, "process.name") || line[0] === LESS_THAN ? 0 : -1),
  },
  usualPaths: ["/var/log/syslog", "/var/log/messages", "/var/log/system.log"],
  related: { "related.hosts": ["host.hostname"] },
  begins: beginsLine,
  open(batch, context) {
    return openTextLine(batch, context, (text, row) => {
      const line = putLine(text, row);
      if (typeof line === "string") return line;
      row.extra("log.syslog.msgid", line.messageId);
      row.extra(`${VENDOR}.structured_data`, line.data);
      return undefined;
    });
  },
  toElastic(document) {
    removeGuessedTime(document);
    if (document["log.syslog.version"] !== undefined)
      document[`${VENDOR}.version`] = document["log.syslog.version"];
    delete document["log.syslog.version"];
  },
};
