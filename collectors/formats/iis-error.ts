import type { Format } from "../format.ts";
import { ipIn } from "./address.ts";
import { toConnection } from "./iis-access.ts";
import { openNamedFields } from "./named-fields.ts";
import { type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";
import { ERROR_TRAITS } from "./traits.ts";
import { w3cHeader, W3cValues } from "./w3c-fields.ts";

const VENDOR = "iis.error";
const FIELDS_MAX = 100;
/** Without a header line: by the number of fields, those of Windows Server 2003 and later, 2016, and 2022. */
const LAYOUTS = [
  "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename",
  "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid s-reason s-queuename",
  "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid s-reason s-queuename transport",
  "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid streamid_ex sc-status s-siteid s-reason s-queuename transport",
].map((names) => names.split(" "));
const VENDOR_NAMES = {
  "s-reason": "reason_phrase",
  "s-queuename": "queue_name",
  "s-siteid": "site_id",
  streamid: "stream_id",
  streamid_ex: "extended_stream_id",
  transport: "transport",
};

/** What the kernel driver of IIS (HTTP.sys) logs of connections and requests that it refused. Times are in UTC. */
export const iisError: Format = {
  dataset: VENDOR,
  title: "IIS error log (HTTPERR)",
  requests: "none",
  traits: { ...ERROR_TRAITS, "event.type": "error", levelDecidesType: false },
  detection: { path: /httperr/i, evidence: () => 3 },
  usualPaths: ["C:/Windows/System32/LogFiles/HTTPERR/httperr*.log"],
  related: { "related.ip": ["source.ip", "destination.ip"] },
  headerLine: (bytes, start, end) =>
    w3cHeader(bytes, { start, end }, (names) => names.includes("s-reason")),
  open(batch, context) {
    return openNamedFields(batch, context, undefined, read);
  },
  toElastic(document) {
    toConnection(document);
    // Java, which Elastic's module parses URLs with, refuses backslashes in them.
    const url = document["url.original"];
    if (typeof url === "string" && url.includes("\\")) {
      for (const name of ["url.path", "url.query", "url.extension"]) delete document[name];
    }
    delete document[`${VENDOR}.site_id`];
    delete document[`${VENDOR}.stream_id`];
  },
};

function read(
  line: string,
  named: readonly string[] | undefined,
  row: RowWriter,
): string | undefined {
  const fields = line.split(" ", FIELDS_MAX);
  const names = named ?? LAYOUTS.find(({ length }) => length === fields.length);
  if (!names || names.length !== fields.length)
    return `not an HTTPERR line: ${fields.length} fields instead of ${names?.length ?? "13 to 16"}`;
  const values = new W3cValues(names, fields);
  const client = values.of("c-ip");
  const status = values.of("sc-status") ?? "400";
  const ports = [values.of("c-port") ?? "0", values.of("s-port") ?? "0"];
  const areValid = /^\d{3}$/.test(status) && ports.every((port) => /^\d{1,5}$/.test(port));
  if (!areValid || (client !== undefined && ipIn(client) === undefined))
    return "not an HTTPERR line: client, ports or status are invalid";
  const time = `${values.of("date") ?? ""}T${values.of("time") ?? ""}Z`;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
  if (refused !== undefined) return refused;
  putFields(values, row);
  return undefined;
}

function putFields(values: W3cValues, row: RowWriter): void {
  const server = values.of("s-ip");
  const client = values.of("c-ip");
  row.text("source.address", client);
  row.text("source.ip", ipIn(client));
  row.number("source.port", values.of("c-port"));
  row.text("destination.address", server);
  row.text("destination.ip", ipIn(server));
  row.number("destination.port", values.of("s-port"));
  row.text("http.version", values.of("cs-version")?.replace(/^HTTP\//, ""));
  row.text("http.request.method", values.of("cs-method"));
  row.text("url.original", values.of("cs-uri"));
  row.number("http.response.status_code", values.of("sc-status"));
  for (const [name, field] of Object.entries(VENDOR_NAMES)) {
    row.extra(`${VENDOR}.${field}`, values.of(name));
  }
}
