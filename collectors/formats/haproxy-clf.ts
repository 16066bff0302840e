import type { RowWriter } from "./text-line.ts";

const NUMBER = String.raw`\+?(-?\d{1,12})`;
const NAME = String.raw`"?([^\s"]{1,256})"?`;
/** `option httplog clf`: a common line, the port and the fraction of the second, and then what the HTTP log has. */
const LINE = new RegExp(
  [
    String.raw`^(\S{1,260}) - - \[([^\]]{10,40})\] "([^"]{0,8000})" (\d{3}) (\d{1,15}) "" "" (\d{1,5}) (\d{1,3})`,
    NAME,
    NAME,
    NAME,
    ...Array.from({ length: 5 }, () => NUMBER),
    String.raw`"?(\S{2,4})"?`,
    ...Array.from({ length: 7 }, () => NUMBER),
  ].join(" "),
);

/** The fields of a line in CLF as the HTTP log has them. */
export type ClfLine = {
  address: string;
  port: string;
  /** With the milliseconds. */
  time: string;
  request: string;
  frontend: string;
  backend: string;
  server: string;
  status: string;
  bytes: string;
  /** Of the request, in the queue, of the connection, of the response, and all together; -1 if it was not reached. */
  times: readonly number[];
  state: string;
  connections: readonly string[];
};

export function clfLine(text: string): ClfLine | undefined {
  const found = LINE.exec(text);
  if (!found) return undefined;
  const [, address = "", time = "", request = "", status = "", bytes = "", port = ""] = found;
  const [ms = "", frontend = "", backend = "", server = ""] = found.slice(7);
  return {
    address,
    port,
    time: time.replace(" ", `.${ms.padStart(3, "0")} `),
    request,
    frontend,
    backend,
    server,
    status,
    bytes,
    times: found.slice(11, 16).map(Number),
    state: found[16] ?? "",
    connections: found.slice(17),
  };
}

const TIMES = [
  "haproxy.http.request.time_wait_ms",
  "haproxy.total_waiting_time_ms",
  "haproxy.connection_wait_time_ms",
  "haproxy.http.request.time_wait_without_data_ms",
];

/** Writes what the line has in common with the HTTP log, without its peer, time, connections and request. */
export function putClf(row: RowWriter, line: ClfLine): void {
  for (const [index, name] of TIMES.entries()) row.extra(name, line.times[index]);
  const total = line.times[4] ?? -1;
  if (total >= 0) row.number("event.duration", total * 1e6);
  if (Number(line.status) > 0) row.number("http.response.status_code", line.status);
  row.number("http.response.bytes", line.bytes);
  row.extra("haproxy.bytes_read", Number(line.bytes));
  row.extra("haproxy.termination_state", line.state);
  row.extra("haproxy.frontend_name", line.frontend);
  row.extra("haproxy.backend_name", line.backend);
  row.text("haproxy.server_name", line.server);
  row.text("event.type", "access");
}
