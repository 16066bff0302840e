type Request = {
  atMs: number;
  path?: string;
  status?: number;
  seconds?: number;
  agent?: string;
  method?: string;
};

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (value: number): string => String(value).padStart(2, "0");

/** A line of an nginx access log, with its request time. */
export function accessLine(request: Request): string {
  const { atMs, path = "/", status = 200, seconds = 0.05, method = "GET" } = request;
  const at = new Date(atMs);
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const agent = request.agent ?? "Mozilla/5.0 (X11; Linux x86_64)";
  return `192.0.2.7 - - [${day}:${time} +0000] "${method} ${path} HTTP/1.1" ${status} 512 "-" "${agent}" ${seconds.toFixed(3)}`;
}
