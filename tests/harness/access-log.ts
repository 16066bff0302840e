type Request = {
  atMs: number;
  path?: string;
  status?: number;
  bytes?: number;
  agent?: string;
  address?: string;
  /** nginx's $request_time, where the log has it. */
  seconds?: number;
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");

/** A line of an nginx access log, with its line end. */
export function accessLine(request: Request): string {
  const { atMs, path = "/", status = 200, bytes = 512, address = "192.0.2.7" } = request;
  const at = new Date(atMs);
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  const agent = request.agent ?? "Mozilla/5.0 (X11; Linux x86_64)";
  const seconds = request.seconds === undefined ? "" : ` ${request.seconds.toFixed(3)}`;
  return `${address} - - [${day}:${time} +0000] "GET ${path} HTTP/1.1" ${status} ${bytes} "-" "${agent}"${seconds}\n`;
}

/** The request with that number: `/page?n=<number>`, every tenth a 500. */
export const numberedLine = (number: number, atMs: number): string =>
  accessLine({
    atMs,
    path: `/page?n=${number}`,
    status: number % 10 === 0 ? 500 : 200,
    bytes: 12,
    agent: "Server/1",
    address: `198.51.100.${number % 250}`,
  });

/** Numbered lines, one a second, of which the last is at `endMs`. */
export const numberedLines = (count: number, endMs = Date.now()): string =>
  Array.from({ length: count }, (_, number) =>
    numberedLine(number, endMs - (count - number) * 1_000),
  ).join("");
