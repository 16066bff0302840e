import type { Format, LineScanner } from "../format.ts";
import { openAccessLine, type AccessDialect, type AccessLine } from "./access-line.ts";
import { OPEN_BRACE, textOf } from "./bytes.ts";
import { openTraefikJson } from "./traefik-json.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const VENDOR = "traefik.access";
const TAIL_BYTES_MAX = 8192;
/** The number of requests so far, router (or frontend), server, and duration. */
const TAIL = /^(\d{1,15}) (?:"([^"]{0,2048})"|-) (?:"([^"]{0,4096})"|-) (\d{1,12})ms$/;
const NO_TAIL =
  "not a Traefik line: the user agent is not followed by a number, the router, the server and a duration such as 2ms";

/** Traefik's access log: the common format with its own fields at the end, and JSON. */
export const traefikAccess: Format = {
  dataset: VENDOR,
  title: "Traefik access log",
  requests: "proxy",
  traits: ACCESS_TRAITS,
  detection: {
    path: /traefik/i,
    evidence: () => 4,
  },
  usualPaths: ["/var/log/traefik/access.log"],
  related: { "related.ip": ["source.ip"], "related.user": ["user.name"] },
  open(batch, context) {
    const dialect: AccessDialect = { name: "Traefik", vendor: VENDOR, tail, tailMissing: NO_TAIL };
    const text = openAccessLine(batch, context, dialect);
    const json = openTraefikJson(batch, context);
    const scan: LineScanner = (bytes, start, end) =>
      bytes[start] === OPEN_BRACE ? json(bytes, start, end) : text(bytes, start, end);
    return Object.assign(scan, { plainTail: text.plainTail });
  },
};

function tail(line: AccessLine, start: number, end: number): string | undefined {
  if (end - start > TAIL_BYTES_MAX) return NO_TAIL;
  const found = TAIL.exec(textOf(line.bytes, start, end));
  if (!found) return NO_TAIL;
  const [, count, router, server, ms] = found;
  line.extras.set(`${VENDOR}.request_count`, Number(count));
  if (router !== undefined && router !== "-") line.extras.set(`${VENDOR}.frontend_name`, router);
  if (server !== undefined && server !== "-") line.extras.set(`${VENDOR}.backend_url`, server);
  line.columns.duration.put(line.row, Number(ms) * 1e6);
  return undefined;
}
