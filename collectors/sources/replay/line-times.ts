import { Batch } from "#collectors/batch.ts";
import { detectFormat, readBy } from "#collectors/detect.ts";
import { unwrap } from "#collectors/envelopes/unwrap.ts";
import type { FormatContext } from "#collectors/format.ts";

/** The dictionaries of the scanner's batch are emptied after this many lines. */
const LINES_PER_RESET = 4096;

/** The time of the line in [start, end), epoch ms; undefined if it has none. */
export type TimeOf = (bytes: Uint8Array, start: number, end: number) => number | undefined;

/** A function that reads the time of the lines of this log; undefined if no format can parse them. */
export function timeReader(
  sample: { bytes: Uint8Array; path: string },
  context: FormatContext,
): TimeOf | undefined {
  const { format } = detectFormat(sample.bytes, sample.path);
  if (!format) return undefined;
  const batch = new Batch(1);
  const scan = format.open(batch, context);
  const times = batch.number("@timestamp");
  let lines = 0;
  return (bytes, start, end) => {
    lines += 1;
    if (lines % LINES_PER_RESET === 0) batch.reset();
    else batch.rollback();
    const line = { bytes, start, end };
    const wrapped = unwrap(line, context);
    const read = wrapped
      ? readBy(format, { ...wrapped.body, withHeader: wrapped.withHeader })
      : line;
    const { zone } = context;
    context.zone = wrapped?.zone ?? zone;
    const refusal = scan(read.bytes, read.start, read.end);
    context.zone = zone;
    if (refusal !== undefined) {
      return wrapped && !Number.isNaN(wrapped.timeMs) ? wrapped.timeMs : undefined;
    }
    const timeMs = times.values[0];
    return timeMs === undefined || Number.isNaN(timeMs) ? undefined : timeMs;
  };
}
