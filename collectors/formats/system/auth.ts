import type { Batch } from "#collectors/batch.ts";
import type { Format } from "#collectors/format.ts";

import { includes, valueIn } from "../evidence.ts";
import { openTextLine } from "../text-line.ts";
import { putAuthMessage } from "./auth-message.ts";
import { beginsLine, putLine, removeGuessedTime } from "./put-line.ts";

const VENDOR = "system.auth";
/** The programs whose lines syslog daemons write to the file of the facilities auth and authpriv. */
const PROGRAMS =
  /^(?:sshd(?:-session)?|sudo|su|login|passwd|chpasswd|chage|groupadd|groupdel|groupmod|useradd|userdel|usermod|systemd-logind|polkitd|pkexec|gdm-\S*|lightdm|runuser|doas|unix_chkpwd)(?:\(|$)/;

/** Of any program, such as cron. */
const PAM = "pam_unix(";

/** Sign-ins, sudo, and changes of users and groups, in the file of a syslog daemon. */
export const systemAuth: Format = {
  dataset: VENDOR,
  title: "authentication log (/var/log/auth.log, secure)",
  requests: "none",
  readsHeader: true,
  traits: {
    "event.kind": "event",
    "event.category": undefined,
    "event.type": undefined,
    levelDecidesType: false,
    namesClients: true,
  },
  detection: {
    path: /auth\.log|secure/i,
    evidence: (batch, line) => (isOfProgram(batch) || includes(line, PAM) ? 3 : -3),
  },
  usualPaths: ["/var/log/auth.log", "/var/log/secure"],
  related: {
    "related.hosts": ["host.hostname"],
    "related.ip": ["source.ip"],
    "related.user": ["user.name", "user.effective.name"],
  },
  begins: beginsLine,
  open(batch, context) {
    return openTextLine(batch, context, (text, row) => {
      const line = putLine(text, row);
      if (typeof line === "string") return line;
      putAuthMessage(line, row);
      return undefined;
    });
  },
  toElastic(document) {
    removeGuessedTime(document);
    // Elastic's module has no message of lines whose fields it knows.
    if (Object.keys(document).some((name) => FIELDS_OF_MESSAGE.test(name)))
      delete document["message"];
  },
};

const FIELDS_OF_MESSAGE = /^(?:system\.auth\.(?:ssh|sudo|useradd)\.|group\.)/;

const isOfProgram = (batch: Batch): boolean => PROGRAMS.test(valueIn(batch, "process.name"));
