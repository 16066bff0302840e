import { partialSyslogHeader, syslogHeader } from "../formats/syslog-header.ts";
import { headerZone } from "../zone.ts";
import { after, headText, type Envelope, type FindEnvelope } from "./envelope.ts";

const HEAD_LENGTH_MAX = 8192;

/**
 * The header of a syslog daemon or of journalctl: RFC 5424, RFC 3164, the latter with an ISO time, and
 * parts of it after a priority.
 */
export const syslog: FindEnvelope = (line, context) => {
  const head = headText(line, HEAD_LENGTH_MAX);
  const complete = syslogHeader(head, context);
  const header = complete && complete.time !== "" ? complete : partialSyslogHeader(head, context);
  if (!header) return undefined;
  const { length, timeMs, eastMs, priority, fields } = header;
  return {
    body: after(line, length),
    timeMs,
    ...originOf(header),
    priority,
    fields,
    isSyslog: true,
    ...(eastMs !== undefined && { zone: headerZone(eastMs) }),
  };
};

type Names = Record<"host" | "process" | "pid", string | undefined>;

function originOf({ host, process, pid }: Names): Pick<Envelope, "host" | "process" | "pid"> {
  return { host: named(host), process: named(process), pid: numberOf(pid) };
}

const named = (text: string | undefined): string | undefined => (text === "-" ? undefined : text);

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
