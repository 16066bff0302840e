import type { Batch } from "../batch.ts";
import type { Format, LineScanner } from "../format.ts";
import { openAccessJson } from "./access-json.ts";
import { openAccessLine, type AccessLine } from "./access-line.ts";
import { isAddressList } from "./address.ts";
import { OPEN_BRACE, OPEN_BRACKET, textOf } from "./bytes.ts";
import { hasNginxVariable, isSet, valueIn } from "./evidence.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { tailTokens } from "./tail.ts";
import { putTraceIds } from "./trace-context.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const HANDLING = /^(hit|miss|pass|pipe|synth|hitmiss|hitpass|hit-for-pass)$/i;
/** The time, and the client if it is logged, before the request. */
const TIME_FIRST = /^(\[[^\]]{10,40}\]) (?:([\da-fA-F:.]{2,45}) (?:- - )?)?(?=")/;
const HEAD_BYTES_MAX = 128;
const NO_REQUEST = "not a varnishncsa line: no request after the time";
const MICROSECONDS = /^\d{1,12}$/;

export const varnishAccess: Format = {
  dataset: "varnish.access",
  title: "Varnish access log (varnishncsa)",
  requests: "cache",
  traits: ACCESS_TRAITS,
  detection: {
    path: /varnish/i,
    evidence: (batch, line) => {
      const hasHandling = isSet(batch, "varnish.handling");
      if (hasAbsoluteUrl(batch)) return hasHandling ? 5 : 2;
      return hasHandling && !hasNginxVariable(line) ? 3 : -1;
    },
  },
  usualPaths: ["/var/log/varnish/varnishncsa.log"],
  open(batch, context) {
    const text = openAccessLine(batch, context, {
      name: "varnishncsa",
      vendor: "varnish.access",
      tail,
    });
    const json = openAccessJson(batch, context, {
      name: "varnishncsa",
      vendor: "varnish.access",
      tail,
    });
    const scan: LineScanner = (bytes, start, end) => {
      if (bytes[start] === OPEN_BRACE) return json(bytes, start, end);
      if (bytes[start] !== OPEN_BRACKET) return text(bytes, start, end);
      const common = commonLine(bytes, start, end);
      return common ? text(common, 0, common.length) : NO_REQUEST;
    };
    return Object.assign(scan, { plainTail: text.plainTail });
  },
};

/** The line of a format that begins with `%t`, in the usual order of fields. */
function commonLine(bytes: Uint8Array, start: number, end: number): Buffer | undefined {
  const head = textOf(bytes, start, Math.min(end, start + HEAD_BYTES_MAX));
  const [all, time, client = "-"] = TIME_FIRST.exec(head) ?? [];
  if (all === undefined) return undefined;
  const rest = bytes.subarray(start + Buffer.byteLength(all), end);
  return Buffer.concat([Buffer.from(`${client} - - ${time} `), rest]);
}

/**
 * `hit|miss|pass`, `%{Varnish:time_firstbyte}x` (a fraction of a second) and `%D` (whole microseconds), in any order.
 */
function tail(line: AccessLine, start: number, end: number): undefined {
  const unknown: string[] = [];
  for (const { name, value } of tailTokens(line.bytes, start, end)) {
    const key = name?.toLowerCase() ?? "";
    if (HANDLING.test(value)) putHandling(line, value.toLowerCase());
    else if (/^\d{1,9}\.\d{1,9}$/.test(value) && (key === "" || key.startsWith("ttfb"))) {
      line.extras.set("varnish.ttfb_ms", Math.round(Number(value) * 1e6) / 1e3);
    } else if (key === "" && isAddressList(value)) putForwardedFor(line, value);
    else if (key === "vxid" || key === "xid") line.extras.set("varnish.vxid", value);
    else if (putTraceIds(line.batch, key || "traceparent", value)) continue;
    else if (isDuration(line, key, value)) {
      line.columns.duration.put(line.row, Number(value) * 1e3);
    } else if (key !== "" && value !== "-") line.extras.set(`varnish.access.${key}`, value);
    else if (value !== "-" && value !== "") unknown.push(value);
  }
  if (unknown.length > 0) line.extras.set("varnish.access.extra", unknown);
  return undefined;
}

/** `%{Varnish:handling}x` tells more than `%{Varnish:hitmiss}x`, if the line has both. */
function putHandling(line: AccessLine, value: string): void {
  const column = line.batch.text("varnish.handling");
  const isHitmiss = value === "hit" || value === "miss";
  if (column.ids[line.row] === 0 || !isHitmiss) column.putText(line.row, value);
}

/** Whole microseconds; of several numbers without a name, the first one. */
function isDuration(line: AccessLine, key: string, value: string): boolean {
  if (!MICROSECONDS.test(value) || !(key === "" || key === "d")) return false;
  return Number.isNaN(line.columns.duration.values[line.row]);
}

const hasAbsoluteUrl = (batch: Batch): boolean =>
  /^https?:\/\//.test(valueIn(batch, "url.original").slice(0, 8));
