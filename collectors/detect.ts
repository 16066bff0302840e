import { Batch } from "./batch.ts";
import type { Format, FormatContext } from "./format.ts";
import { FORMATS } from "./formats/index.ts";
import { eachLine } from "./lines.ts";
import { UTC } from "./zone.ts";

const LINES_MAX = 100;
const LINE_BYTES_MAX = 64 * 1024;
/** A format must understand this share of the lines: logs have junk in them, and a file starts in mid-line. */
const SHARE_MIN = 0.3;
const BOM = [0xef, 0xbb, 0xbf];
/** Detection asks what a line looks like, not whether its time is right: nothing lies in this future. */
const CONTEXT: FormatContext = { zone: UTC, nowMs: 253_402_300_799_999 };
const DATASET_OF_PATH: readonly (readonly [RegExp, RegExp])[] = [
  [/ingress/i, /^nginx\.ingress/],
  [/varnish/i, /^varnish\./],
  [/haproxy/i, /^haproxy\./],
  [/apache|httpd|other_vhosts/i, /^apache\./],
  [/nginx/i, /^nginx\./],
];

export type Detected =
  | { format: Format; share: number }
  /** `tried`: for each format, in words, why it is not. */
  | { format: undefined; tried: { dataset: string; reason: string }[] };

/** How much speaks for a format in one line that it can read; 0 where another format could read it just as well. */
const EVIDENCE: Readonly<Record<string, (batch: Batch, line: Uint8Array) => number>> = {
  "varnish.access": (batch) =>
    isSet(batch, "varnish.handling") ? 3 : hasAbsoluteUrl(batch) ? 2 : -1,
  "nginx.ingress_controller": () => 4,
  // nginx writes 0 where Apache writes a dash, and \x22 where Apache writes \".
  "apache.access": (batch, line) => (isApache(batch, line) ? 1 : 0),
  "nginx.access": (_batch, line) => (line[0] === 0x7b || includes(line, "\\x") ? 1 : 0),
  ecs: (batch) => (ecsColumns(batch) > 0 ? 2 : -1),
};

/**
 * The format of a log, by its content: the first lines are read with every format, and the one that understands most
 * of them wins. nginx and Apache write the same combined lines: traits that only one of them has decide, then the
 * path (`/var/log/httpd/…`), and where nothing speaks for either it is nginx.access, whose fields are the same.
 */
export function detectFormat(sample: Uint8Array, path = ""): Detected {
  const lines = sampleLines(sample);
  const tried: { dataset: string; reason: string }[] = [];
  let best: { format: Format; share: number; score: number } | undefined;
  for (const format of FORMATS) {
    const { understood, evidence, reason } = tryFormat(format, lines);
    const share = lines.length === 0 ? 0 : understood / lines.length;
    if (share < SHARE_MIN || evidence < 0) {
      tried.push({ dataset: format.dataset, reason: reason ?? "another format fits better" });
      continue;
    }
    const score = Math.round(share * 20) * 10 + Math.min(evidence, 5) + hint(format, path);
    if (!best || score > best.score) best = { format, share, score };
  }
  return best ? { format: best.format, share: best.share } : { format: undefined, tried };
}

function sampleLines(sample: Uint8Array): Uint8Array[] {
  const hasBom = BOM.every((byte, index) => sample[index] === byte);
  const bytes = hasBom ? sample.subarray(BOM.length) : sample;
  const lines: Uint8Array[] = [];
  eachLine({ bytes }, (start, end) => {
    if (lines.length < LINES_MAX && end - start <= LINE_BYTES_MAX)
      lines.push(bytes.subarray(start, end));
  });
  // The sample ends in mid-line: that line says nothing, unless it is the only one.
  if (lines.length > 1 && lines.length < LINES_MAX && bytes.at(-1) !== 0x0a) lines.pop();
  return lines;
}

function tryFormat(
  format: Format,
  lines: readonly Uint8Array[],
): { understood: number; evidence: number; reason: string | undefined } {
  const batch = new Batch(1);
  const scan = format.open(batch, CONTEXT);
  const weigh = EVIDENCE[format.dataset] ?? (() => 0);
  let understood = 0;
  let evidence = 0;
  let first: string | undefined;
  let continued = 0;
  for (const line of lines) {
    batch.rollback();
    const reason = scan(line, 0, line.length);
    if (reason === undefined) {
      understood += 1;
      evidence += weigh(batch, line);
    } else if (format.begins && !format.begins(line, 0, line.length) && understood > 0)
      continued += 1;
    else first ??= reason;
  }
  const counted = understood + (understood > 0 ? continued : 0);
  return {
    understood: counted,
    evidence: understood === 0 ? 0 : evidence / understood,
    reason: first,
  };
}

function hint(format: Format, path: string): number {
  const wanted = DATASET_OF_PATH.find(([inPath]) => inPath.test(path))?.[1];
  return wanted?.test(format.dataset) ? 3 : 0;
}

function isSet(batch: Batch, field: Parameters<Batch["text"]>[0]): boolean {
  return batch.text(field).ids[0] !== 0;
}

function hasAbsoluteUrl(batch: Batch): boolean {
  const column = batch.text("url.original");
  const id = column.ids[0] ?? 0;
  return id !== 0 && /^https?:\/\//.test(column.text(id).slice(0, 8));
}

/** Columns that the line filled besides its time: an object that is no ECS document fills none. */
function ecsColumns(batch: Batch): number {
  let count = 0;
  for (const [name, column] of batch.textColumns())
    if (name !== "fields_json" && column.ids[0] !== 0) count += 1;
  for (const [name, column] of batch.numberColumns()) {
    if (name !== "@timestamp" && !Number.isNaN(column.values[0])) count += 1;
  }
  return count;
}

/** A common line has no referrer; a dash for the bytes, a quote behind a backslash, and TLS columns are Apache's too. */
function isApache(batch: Batch, line: Uint8Array): boolean {
  if (isSet(batch, "tls.cipher") || !includes(line, '" "')) return line[0] !== 0x7b;
  const hasDash = Number.isNaN(batch.number("http.response.body.bytes").values[0]);
  return hasDash || includes(line, '\\"');
}

function includes(line: Uint8Array, text: string): boolean {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).includes(text);
}
