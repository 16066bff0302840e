import type { Batch } from "../batch.ts";
import { readBy } from "../detect.ts";
import type { Format, FormatContext, LineScanner } from "../format.ts";
import { eachLine } from "../lines.ts";
import { putOrigin } from "./put-origin.ts";
import { joined, readable, unwrap, type Unwrapped } from "./unwrap.ts";

const LF = 0x0a;
const LINE_END = Buffer.of(LF);

/** A scanner of complete events, which may have several lines, each with its envelopes. */
export function openWrapped(format: Format, batch: Batch, context: FormatContext): LineScanner {
  const scan = format.open(batch, context);
  return (bytes, start, end) => {
    // Such a format reads the lines of a stream as they are; what looks like another header is part of their message.
    if (format.readsHeader === true) {
      if (scan(bytes, start, end) === undefined) return undefined;
      batch.rollback();
    }
    const origin = unwrapEvent(bytes.subarray(start, end), context);
    if (!origin) return scan(bytes, start, end);
    const line = readBy(format, readable(origin));
    const { zone } = context;
    context.zone = origin.zone ?? zone;
    const reason = scan(line.bytes, line.start, line.end);
    context.zone = zone;
    if (reason === undefined) putOrigin(batch, origin, { path: "", format });
    return reason;
  };
}

/** Whether an event has several lines, apart from the parts of a line that its envelopes have split. */
export function hasSeveralLines(bytes: Uint8Array, context: FormatContext): boolean {
  const { body } = unwrapEvent(bytes, context) ?? { body: { bytes, start: 0, end: bytes.length } };
  return body.bytes.subarray(body.start, body.end).includes(LF);
}

function unwrapEvent(bytes: Uint8Array, context: FormatContext): Unwrapped | undefined {
  const lineEnd = bytes.indexOf(LF);
  const whole = { bytes, start: 0, end: lineEnd < 0 ? bytes.length : lineEnd };
  const first = unwrap(whole, context);
  if (!first || lineEnd < 0) return first;
  const parts: Uint8Array[] = [];
  let isSplit = false;
  let hasSplit = false;
  eachLine({ bytes }, (start, end) => {
    const line = unwrap({ bytes, start, end }, context);
    const body = line?.body ?? { bytes, start, end };
    if (parts.length > 0 && !isSplit) parts.push(LINE_END);
    parts.push(body.bytes.subarray(body.start, body.end));
    isSplit = line?.isPartial === true;
    hasSplit ||= isSplit;
  });
  const all = Buffer.concat(parts);
  // The envelopes of what was split are complete only now.
  if (hasSplit) return joined(all, first, context);
  const body = { bytes: all, start: 0, end: all.length };
  return { ...first, body, withHeader: body };
}
