import type { Format } from "#collectors/format.ts";

import { openTextLine, type RowWriter } from "../text-line.ts";
import { parseTime } from "../time.ts";

const TIME = String.raw`(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))`;
/** The time of CloudWatch Logs, and that of the program, if it is a syslog daemon. */
const LINE = new RegExp(String.raw`^${TIME} (?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?`);
const SYSLOG = new RegExp(
  String.raw`^${TIME} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S{1,255}) ([^\s:[\]]{1,128})(?:\[(\d{1,10})\])?: +`,
);
const HEAD_LENGTH = 1024;
const TRAITS = {
  "event.kind": "event",
  "event.category": undefined,
  "event.type": undefined,
  levelDecidesType: false,
  namesClients: false,
};

/** Lines that CloudWatch Logs exported, each with its time. Their programs are not known, so this format has to be named. */
export const cloudWatch: Format = {
  dataset: "aws.cloudwatch",
  title: "CloudWatch Logs export",
  requests: "none",
  isGeneric: true,
  traits: TRAITS,
  detection: { evidence: () => -1 },
  open(batch, context) {
    return openTextLine(batch, context, (line, row) => {
      const found = LINE.exec(line.slice(0, HEAD_LENGTH));
      if (!found)
        return "not an exported line of CloudWatch Logs: it does not begin with an ISO time";
      row.text("message", line);
      row.extra("aws.cloudwatch.message", line.slice(found[0].length));
      return putTime(found[1], row);
    });
  },
  toElastic(document) {
    delete document["event.kind"];
  },
};

/** The message of an event of CloudWatch Logs that is of no other format. */
export const cloudWatchMessage: Format = {
  ...cloudWatch,
  open(batch, context) {
    return openTextLine(batch, context, (message, row) => {
      row.text("message", message);
      return undefined;
    });
  },
};

/** The system log of EC2 instances, as CloudWatch Logs exports it: its own time before that of syslog. */
export const ec2: Format = {
  dataset: "aws.ec2",
  title: "system log of EC2 instances, from CloudWatch Logs",
  requests: "none",
  traits: TRAITS,
  detection: { evidence: () => 3 },
  open(batch, context) {
    return openTextLine(batch, context, (line, row) => {
      const found = SYSLOG.exec(line.slice(0, HEAD_LENGTH));
      if (!found)
        return "not a line of an EC2 instance: it has no syslog header after the time of CloudWatch Logs";
      const [{ length }, time, host, process, pid] = found;
      row.text("host.hostname", host);
      row.text("process.name", process);
      row.number("process.pid", pid);
      row.text("message", line.slice(length));
      return putTime(time, row);
    });
  },
  toElastic(document) {
    document["aws.ec2.ip_address"] = document["host.hostname"];
    delete document["host.hostname"];
    delete document["event.kind"];
  },
};

function putTime(time = "", row: RowWriter): string | undefined {
  const bytes = Buffer.from(time);
  return row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
}
