import type { Batch } from "../batch.ts";
import type { Format, LineScanner } from "../format.ts";
import { openAccessJson } from "./access-json.ts";
import { openAccessLine, type AccessLine } from "./access-line.ts";
import { isAddressList } from "./address.ts";
import { OPEN_BRACE } from "./bytes.ts";
import { hasNginxVariable, isSet, valueIn } from "./evidence.ts";
import { putForwardedFor } from "./forwarded-for.ts";
import { tailTokens } from "./tail.ts";
import { putTraceIds } from "./trace-context.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const HANDLING = /^(hit|miss|pass|pipe|synth|hitmiss|hitpass|hit-for-pass)$/i;
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
    const scan: LineScanner = (bytes, start, end) =>
      bytes[start] === OPEN_BRACE ? json(bytes, start, end) : text(bytes, start, end);
    return Object.assign(scan, { plainTail: text.plainTail });
  },
};

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
