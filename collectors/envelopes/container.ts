import { z } from "zod";

import { parseTime } from "../formats/time.ts";
import { UTC } from "../zone.ts";
import { after, headText, type Envelope, type FindEnvelope } from "./envelope.ts";

const HEAD_LENGTH_MAX = 64;
/** RFC 3339; containerd omits zeros at the end of the fraction. */
const TIME = String.raw`(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))`;
/** The tags after a P or F are reserved for extensions, separated by colons. */
const CRI = new RegExp(String.raw`^${TIME} (stdout|stderr) ([PF])(?::\S{1,32})? `);
/** An empty line has no space after its tag. */
const CRI_EMPTY = new RegExp(String.raw`^${TIME} (stdout|stderr) ([PF])(?::\S{1,32})?$`);
const BARE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)) /;

/** The log format of Kubernetes' container runtimes: `2026-03-14T10:11:12.345678901Z stdout F line`. */
export const cri: FindEnvelope = (line) => {
  const head = headText(line, HEAD_LENGTH_MAX);
  const found = CRI.exec(head) ?? CRI_EMPTY.exec(head);
  if (!found) return undefined;
  const [all, time = "", stream, tag] = found;
  return {
    body: after(line, all.length),
    timeMs: timeOf(time),
    stream,
    isPartial: tag === "P",
    isContainer: true,
  };
};

/** `docker logs --timestamps` and `kubectl logs --timestamps`: a time with nanoseconds before the line. */
export const bareTime: FindEnvelope = (line) => {
  const found = BARE_TIME.exec(headText(line, HEAD_LENGTH_MAX));
  return found ? { body: after(line, found[0].length), timeMs: timeOf(found[1] ?? "") } : undefined;
};

/**
 * Docker's json-file: `{"log":"line\n","stream":"stdout","time":"…"}`. Docker splits long lines: the `log` of all parts
 * but the last has no line end.
 */
export const dockerJson: FindEnvelope = ({ bytes, start, end }) => {
  const record = recordOf(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
  if (!record) return undefined;
  const text = record.log.replace(/\r?\n$/, "");
  const body = Buffer.from(text);
  const envelope: Envelope = {
    body: { bytes: body, start: 0, end: body.length },
    timeMs: timeOf(record.time),
    stream: record.stream,
    container: record.attrs?.tag,
    isPartial: text.length === record.log.length,
    isContainer: true,
  };
  return envelope;
};

const DockerRecord = z.object({
  log: z.string(),
  time: z.string(),
  stream: z.string().optional(),
  /** Of the options `tag` and `labels` of the driver. */
  attrs: z.object({ tag: z.string().optional() }).optional(),
});

function recordOf(line: Buffer): z.infer<typeof DockerRecord> | undefined {
  try {
    return DockerRecord.safeParse(JSON.parse(line.toString())).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function timeOf(text: string): number {
  const bytes = Buffer.from(text);
  return parseTime(bytes, 0, bytes.length, UTC);
}
