import type { FormatContext } from "#collectors/format.ts";
import type { Zone } from "#collectors/zone.ts";
import type { Clock } from "#platform/clock.ts";

import { relpStream } from "../relp/relp-decoder.ts";
import type { DatagramDecoder, Decoded, StreamDecoder } from "../sockets/decoder.ts";
import { jsonLine } from "../sockets/json-line.ts";
import { syslogDocument } from "./syslog-document.ts";
import { type Frames, framesOf, SyslogFrames } from "./syslog-frames.ts";

/** Of longer messages the beginning is kept. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const LF = 0x0a;

/** `zone`: of times without one. */
export type SyslogTimes = { zone: Zone; clock: Clock };

/** Syslog over a connection. */
export function syslogStream(times: SyslogTimes, state = ""): StreamDecoder {
  const frames = new SyslogFrames(MESSAGE_BYTES_MAX, state);
  return {
    push: (bytes) => decodedOf(frames.push(bytes), times),
    end: () => decodedOf(frames.end(), times),
    get heldBytes() {
      return frames.heldBytes;
    },
    get state() {
      return frames.state;
    },
    get skippedBytes() {
      return frames.skippedBytes;
    },
  };
}

/** Syslog over RELP. */
export const syslogRelp = (times: SyslogTimes, state = ""): StreamDecoder =>
  relpStream(MESSAGE_BYTES_MAX, (frames) => decodedOf(frames, times), state);

/** Syslog messages in datagrams, one in each. */
export const syslogDatagrams = (times: SyslogTimes): DatagramDecoder => ({
  push: (datagram) => decodedOf(framesOf([withoutEnd(datagram)]), times),
  heldFrom: undefined,
  lost: 0,
});

function decodedOf({ lines, multiline }: Frames, { zone, clock }: SyslogTimes): Decoded {
  if (multiline.length === 0) return { lines, documents: [] };
  const context: FormatContext = { zone, nowMs: clock.nowMs() };
  const documents = multiline.map((text) => jsonLine(syslogDocument(withoutEnd(text), context)));
  return { lines, documents };
}

/** Without line ends and zero bytes at the end. */
function withoutEnd(text: Buffer): Buffer {
  let end = text.length;
  while (end > 0 && (text[end - 1] === LF || text[end - 1] === 0)) end -= 1;
  return text.subarray(0, end);
}
