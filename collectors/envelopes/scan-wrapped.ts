import type { Batch } from "../batch.ts";
import { readBy } from "../detect.ts";
import type { Format, FormatContext, LineScanner } from "../format.ts";
import { eachLine } from "../lines.ts";
import { putOrigin } from "./put-origin.ts";
import { joined, readable, unwrap, type Unwrapped } from "./unwrap.ts";

const LINE_END = Buffer.from("\n");

/** A scanner of complete events, which may have several lines, each with its envelopes. */
export function openWrapped(format: Format, batch: Batch, context: FormatContext): LineScanner {
  const scan = format.open(batch, context);
  return (bytes, start, end) => {
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

function unwrapEvent(bytes: Uint8Array, context: FormatContext): Unwrapped | undefined {
  const first = unwrap({ bytes, start: 0, end: bytes.length }, context);
  if (!first || !bytes.includes(LINE_END[0] ?? 0)) return first;
  const parts: Uint8Array[] = [];
  let isSplit = false;
  eachLine({ bytes }, (start, end) => {
    const line = unwrap({ bytes, start, end }, context);
    const body = line?.body ?? { bytes, start, end };
    if (parts.length > 0 && !isSplit) parts.push(LINE_END);
    parts.push(body.bytes.subarray(body.start, body.end));
    isSplit = line?.isPartial === true;
  });
  return joined(Buffer.concat(parts), first, context);
}
