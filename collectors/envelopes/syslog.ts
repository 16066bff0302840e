import { syslogHeader } from "../formats/syslog-header.ts";
import { parseTime } from "../formats/time.ts";
import { after, headText, type Envelope, type FindEnvelope } from "./envelope.ts";

const HEAD_LENGTH_MAX = 8192;
/** RFC 5424: priority, version, time, host, application, process id, message id. A dash is no value. */
const RFC_5424 = /^<\d{1,3}>1 (\S{1,40}) (\S{1,255}) (\S{1,48}) (\S{1,128}) \S{1,32} /;
/** One element of structured data, in whose values `"`, `\` and `]` are escaped. */
const ELEMENT = /^\[[^\s="\]]{1,32}(?: [^\s="\]]{1,32}="(?:[^"\\\]]|\\.){0,4096}")*\]/;
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

/** The header of a syslog daemon or of journalctl: RFC 5424, RFC 3164, and the latter with an ISO time. */
export const syslog: FindEnvelope = (line, context) => {
  const head = headText(line, HEAD_LENGTH_MAX);
  const modern = RFC_5424.exec(head);
  if (modern) {
    const [all, time = "", host, process, pid] = modern;
    const length = all.length + lengthOfData(head.slice(all.length));
    const bytes = Buffer.from(time);
    return {
      body: after(line, length),
      timeMs: parseTime(bytes, 0, bytes.length, context.zone),
      ...originOf({ host, process, pid }),
      isSyslog: true,
    };
  }
  const header = syslogHeader(head.slice(0, 512), context);
  if (!header || header.time === "") return undefined;
  const { length, timeMs } = header;
  return { body: after(line, length), timeMs, ...originOf(header), isSyslog: true };
};

/** The length of structured data, and of the space and the byte order mark after it. */
function lengthOfData(text: string): number {
  let length = 0;
  if (text.startsWith("-")) length = 1;
  for (let found = ELEMENT.exec(text); found; found = ELEMENT.exec(text.slice(length))) {
    length += found[0].length;
  }
  if (text[length] === " ") length += 1;
  return text.startsWith(BYTE_ORDER_MARK, length) ? length + BYTE_ORDER_MARK.length : length;
}

type Names = Record<"host" | "process" | "pid", string | undefined>;

function originOf({ host, process, pid }: Names): Pick<Envelope, "host" | "process" | "pid"> {
  return { host: named(host), process: named(process), pid: numberOf(pid) };
}

const named = (text: string | undefined): string | undefined => (text === "-" ? undefined : text);

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
