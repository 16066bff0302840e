import { Batch } from "./batch.ts";
import type { Format, FormatContext } from "./format.ts";
import { FORMATS } from "./formats/index.ts";
import { eachLine } from "./lines.ts";
import { UTC } from "./zone.ts";

const LINES_MAX = 100;
const LINE_BYTES_MAX = 64 * 1024;
/** Minimum share of lines that a format must parse: logs contain junk, and a sample may start within a line. */
const SHARE_MIN = 0.3;
const BOM = [0xef, 0xbb, 0xbf];
/** Detection checks the shape of a line, not its time: every time is before the year 10000. */
const CONTEXT: FormatContext = { zone: UTC, nowMs: 253_402_300_799_999 };
/** Weight of a matching path, in addition to the evidence of the lines, which counts up to EVIDENCE_MAX. */
const PATH_WEIGHT = 3;
const EVIDENCE_MAX = 5;

export type Detected =
  | { format: Format; share: number }
  /** `tried`: why each format was rejected. */
  | { format: undefined; tried: { dataset: string; reason: string }[] };

/**
 * Detects the format of a log by its content: every format tries to parse the first lines, and the one that parses most
 * of them is chosen. nginx and Apache write the same combined lines: details that only one of them writes decide, then
 * the path (`/var/log/httpd/…`), then the order of the list.
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
    const score =
      Math.round(share * 20) * 10 + Math.min(evidence, EVIDENCE_MAX) + pathWeight(format, path);
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
  // The last line is incomplete: it is dropped unless it is the only one.
  if (lines.length > 1 && lines.length < LINES_MAX && bytes.at(-1) !== 0x0a) lines.pop();
  return lines;
}

function tryFormat(
  format: Format,
  lines: readonly Uint8Array[],
): { understood: number; evidence: number; reason: string | undefined } {
  const batch = new Batch(1);
  const scan = format.open(batch, CONTEXT);
  let understood = 0;
  let evidence = 0;
  let first: string | undefined;
  let continued = 0;
  for (const line of lines) {
    batch.rollback();
    const reason = scan(line, 0, line.length);
    if (reason === undefined) {
      understood += 1;
      evidence += format.detection?.evidence?.(batch, line) ?? 0;
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

function pathWeight({ detection }: Format, path: string): number {
  return detection?.path?.test(path) ? PATH_WEIGHT : 0;
}
