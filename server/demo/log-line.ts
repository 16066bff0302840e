/**
 * nginx's combined format followed by the request time and the upstream's address, status and time. $remote_user is the
 * name that the service reports in X-User, which the proxy does not forward.
 */
export const NGINX_LOG_FORMAT = [
  `'$remote_addr - $upstream_http_x_user [$time_local] "$request" $status $body_bytes_sent '`,
  `'"$http_referer" "$http_user_agent" '`,
  `'rt=$request_time ua="$upstream_addr" us="$upstream_status" ut="$upstream_response_time"'`,
].join("\n    ");

export type UpstreamTry = { address: string; status: number; durationMs: number };
export type AccessRecord = {
  /** When the response was complete, epoch ms. */
  endMs: number;
  address: string;
  user: string;
  /** Method, target and protocol as received. */
  request: string;
  status: number;
  bytes: number;
  referrer: string;
  userAgent: string;
  durationMs: number;
  /** The instances that were tried, in order. */
  tries: readonly UpstreamTry[];
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);
let cachedSecond = Number.NaN;
let cachedTime = "";

/** The line, without a line end, as nginx with NGINX_LOG_FORMAT writes it in UTC. */
export function accessLine(record: AccessRecord): string {
  const { address, user, request, status, bytes, referrer, userAgent, durationMs, tries } = record;
  const head = `${escaped(address)} - ${escaped(user)} [${timeLocal(record.endMs)}] "${escaped(request)}"`;
  const rest = `${status} ${bytes} "${escaped(referrer)}" "${escaped(userAgent)}" rt=${seconds(durationMs)}`;
  const [only] = tries;
  const upstream =
    tries.length === 1 && only
      ? `ua="${only.address}" us="${only.status}" ut="${seconds(only.durationMs)}"`
      : severalTries(tries);
  return `${head} ${rest} ${upstream}`;
}

function severalTries(tries: readonly UpstreamTry[]): string {
  const joined = (part: (one: UpstreamTry) => string): string => tries.map(part).join(", ") || "-";
  const ua = joined((one) => one.address);
  const us = joined((one) => `${one.status}`);
  return `ua="${ua}" us="${us}" ut="${joined((one) => seconds(one.durationMs))}"`;
}

function seconds(durationMs: number): string {
  const ms = Math.round(durationMs);
  const rest = ms % 1000;
  return `${(ms - rest) / 1000}.${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}`;
}

function timeLocal(atMs: number): string {
  const second = Math.floor(atMs / 1000);
  if (second === cachedSecond) return cachedTime;
  const at = new Date(second * 1000);
  const date = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  cachedSecond = second;
  cachedTime = `${date}:${time} +0000`;
  return cachedTime;
}

const SAFE = /^[ !#-[\]-~]*$/;

/** nginx's default escaping; an empty value is a dash. */
function escaped(value: string): string {
  if (value === "") return "-";
  if (SAFE.test(value)) return value;
  let out = "";
  for (const byte of Buffer.from(value)) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    out += plain
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
