import { after, headText, type FindEnvelope } from "./envelope.ts";

const HEAD_LENGTH_MAX = 256;
const ESCAPE = String.fromCharCode(27);
/** A sequence that sets colours: ESC [ numbers m. */
const COLOUR = String.raw`(?:${ESCAPE}\[[\d;]{0,16}m)`;
const COMPOSE = new RegExp(
  String.raw`^${COLOUR}*([A-Za-z0-9][\w.-]{0,127}) *${COLOUR}*\|${COLOUR}* ${COLOUR}*`,
);
const KUBECTL = /^\[pod\/[\w.-]{1,253}\/([\w.-]{1,63})\] /;

/** Docker Compose: `web-1  | line`, with colours on a terminal. */
export const compose: FindEnvelope = (line) => {
  const found = COMPOSE.exec(headText(line, HEAD_LENGTH_MAX));
  if (!found) return undefined;
  return { body: after(line, found[0].length), timeMs: Number.NaN, container: found[1] };
};

/** `kubectl logs --prefix`: `[pod/NAME/CONTAINER] line`. */
export const kubectl: FindEnvelope = (line) => {
  const found = KUBECTL.exec(headText(line, HEAD_LENGTH_MAX + 128));
  if (!found) return undefined;
  return { body: after(line, found[0].length), timeMs: Number.NaN, container: found[1] };
};
