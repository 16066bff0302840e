import { isIP } from "node:net";

import type { Format } from "../format.ts";
import { openAccessLine, type AccessLine } from "./access-line.ts";
import { listAddress, splitHostPort } from "./address.ts";
import { textOf } from "./bytes.ts";
import { ACCESS_TRAITS } from "./traits.ts";

const VENDOR = "nginx.ingress_controller";
/** A list with one value per upstream that was tried. */
const LIST = String.raw`(\S{1,4096})`;
const TAIL = new RegExp(
  String.raw`^(\d{1,15}) (\d{1,9}\.\d{1,6}) \[([^\]]{0,256})\] (?:\[([^\]]{0,256})\] )?${LIST} ${LIST} ${LIST} ${LIST}(?: ([\w-]{1,128}))?$`,
);
/** Servers of one group, and of groups after an internal redirect. */
const SEPARATORS = /, | : /g;
const SEPARATOR = "\u001f";
const TAIL_BYTES_MAX = 8192;
const NO_TAIL = "not an ingress controller line: no upstream in brackets after the user agent";

/** Fields that Elastic's module stores only under vendor names. */
const CONVERTED = ["event.duration", "http.request.bytes", "nginx.upstream.address"];

export const nginxIngress: Format = {
  dataset: VENDOR,
  title: "NGINX Ingress Controller log",
  requests: "ingress",
  traits: { ...ACCESS_TRAITS, "event.type": "info" },
  detection: { path: /ingress|nginx/i, evidence: () => 4 },
  related: {
    "related.ip": ["source.ip", `${VENDOR}.upstream.ip`],
    "related.user": ["user.name"],
  },
  toElastic(document) {
    for (const name of CONVERTED) delete document[name];
    listAddress(document, `${VENDOR}.remote_ip_list`);
  },
  open(batch, context) {
    const dialect = { name: "ingress controller", vendor: VENDOR, tail, tailMissing: NO_TAIL };
    return openAccessLine(batch, context, dialect);
  },
};

/** `length seconds [upstream] [alternative] addresses lengths seconds statuses id`, the controller's default. */
function tail(line: AccessLine, start: number, end: number): string | undefined {
  if (end - start > TAIL_BYTES_MAX) return NO_TAIL;
  const found = TAIL.exec(textOf(line.bytes, start, end).replace(SEPARATORS, SEPARATOR));
  if (!found) return NO_TAIL;
  const [
    ,
    length = "",
    seconds = "",
    name,
    alternative,
    addresses = "",
    lengths = "",
    times = "",
    statuses = "",
    id,
  ] = found;
  const { row, batch, columns, extras } = line;
  columns.requestBytes.put(row, Number(length));
  columns.duration.put(row, Math.round(Number(seconds) * 1e9));
  extras.set(`${VENDOR}.http.request.length`, Number(length));
  extras.set(`${VENDOR}.http.request.time`, Number(seconds));
  if (id !== undefined && id !== "-") {
    batch.text("http.request.id").putText(row, id);
    extras.set(`${VENDOR}.http.request.id`, id);
  }
  if (name !== undefined && name !== "") extras.set(`${VENDOR}.upstream.name`, name);
  if (alternative !== undefined && alternative !== "")
    extras.set(`${VENDOR}.upstream.alternative_name`, alternative);
  putUpstream(line, addresses);
  putList(line, "response.length", lengths);
  putList(line, "response.time", times);
  putList(line, "response.status_code", statuses);
  return undefined;
}

function putUpstream(line: AccessLine, text: string): void {
  if (text === "-") return;
  const addresses = text.split(SEPARATOR);
  const last = addresses.at(-1) ?? "";
  line.extras.set(`${VENDOR}.upstream_address_list`, addresses);
  line.batch.text("nginx.upstream.address").putText(line.row, last);
  const { host, port } = splitHostPort(last);
  if (isIP(host) === 0) return;
  line.extras.set(`${VENDOR}.upstream.ip`, host);
  if (port !== undefined) line.extras.set(`${VENDOR}.upstream.port`, port);
}

/** The list, and its last number: the value of the response that the client received. */
function putList(line: AccessLine, name: string, text: string): void {
  if (text === "-") return;
  const list = text.split(SEPARATOR);
  line.extras.set(`${VENDOR}.upstream.${name}_list`, list);
  const last = list.findLast((value) => /^\d{1,15}(\.\d{1,9})?$/.test(value));
  if (last !== undefined) line.extras.set(`${VENDOR}.upstream.${name}`, Number(last));
}
