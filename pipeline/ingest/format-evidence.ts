import { detectLines } from "#collectors/detect.ts";
import type { Format } from "#collectors/format.ts";

/** The format changes if this share of so many latest lines is not of it, and another format parses that share of those. */
const WINDOW_LINES = 200;
const SHARE_MIN = 0.8;
/** A stream that inherited the format of its predecessor changes sooner, if not one of its first lines is of it. */
const FIRST_LINES = 20;
/** Each change doubles the window, so that blocks of two formats do not cause a change each. */
const CHANGES_MAX = 6;
/** Lines without a known format are examined after this many lines, then after twice as many, up to the maximum. */
const WAIT_LINES = { first: WINDOW_LINES, max: 16 * WINDOW_LINES };
/** Of the latest lines that the format cannot parse, every second one, for which another format is searched. */
const SAMPLE = { every: 2, lines: 50, bytes: 256 * 1024 };
/** No samples are taken while fewer refused lines follow each other within so many: copying them takes time. */
const DENSE = { refused: 40, lines: 60 };

/** The evidence that a stream has another format than before: the lines that its format cannot parse. */
export class FormatEvidence {
  readonly #changes: number;
  readonly #isInherited: boolean;
  readonly #windowLines: number;
  readonly #refusedMin: number;
  /** Lines of the stream that were counted. */
  #lines = 0;
  /** The numbers of the latest `#refusedMin` refused lines: a ring buffer, created on demand. */
  #refusedAt = new Float64Array(0);
  #refused = 0;
  #sample: Uint8Array[] = [];
  #sampleBytes = 0;
  #isDue = false;
  #examineFrom = 0;
  #waitLines = WAIT_LINES.first;

  /** `changes`: number of earlier changes; `isInherited`: the format is that of another stream at the same path. */
  constructor({ changes = 0, isInherited = false } = {}) {
    this.#changes = changes;
    this.#isInherited = isInherited;
    this.#windowLines = WINDOW_LINES * 2 ** Math.min(changes, CHANGES_MAX);
    this.#refusedMin = Math.ceil(this.#windowLines * SHARE_MIN);
  }

  count(lines: number): void {
    this.#lines += lines;
  }

  /**
   * Notes a line that the format cannot parse; `ahead`: number of lines before it that are not counted yet. Returns
   * whether the format should be examined now.
   */
  refuse(line: Uint8Array, ahead = 0): boolean {
    if (this.#refusedAt.length === 0) this.#refusedAt = new Float64Array(this.#refusedMin);
    const at = this.#lines + ahead;
    this.#refusedAt[this.#refused % this.#refusedMin] = at;
    this.#refused += 1;
    if (this.#isDue) return true;
    if (this.#refused % SAMPLE.every === 1 && this.#isDense(at)) this.#keep(line);
    this.#isDue = at >= this.#examineFrom && this.#isMost(at);
    return this.#isDue;
  }

  /** The evidence of the next format: the stream has changed. */
  next(): FormatEvidence {
    return new FormatEvidence({ changes: this.#changes + 1 });
  }

  /** The format to which the lines have changed; undefined while there is no evidence of it. */
  successor(format: Format, path: string): Format | undefined {
    if (!this.#isDue && !this.#isEvery()) return undefined;
    const found = detectLines(this.#sample, path);
    if (found.format && found.format !== format && found.share >= SHARE_MIN) return found.format;
    this.#isDue = false;
    this.#examineFrom = this.#lines + this.#waitLines;
    this.#waitLines = Math.min(this.#waitLines * 2, WAIT_LINES.max);
    return undefined;
  }

  #isDense(at: number): boolean {
    if (this.#refused <= DENSE.refused) return true;
    const earlier = this.#refusedAt[(this.#refused - 1 - DENSE.refused) % this.#refusedMin] ?? 0;
    return at - earlier < DENSE.lines;
  }

  #isMost(at: number): boolean {
    if (this.#refused < this.#refusedMin) return false;
    const oldest = this.#refusedAt[this.#refused % this.#refusedMin] ?? 0;
    return at - oldest < this.#windowLines;
  }

  #isEvery(): boolean {
    const isFirst = this.#isInherited && this.#lines >= Math.max(FIRST_LINES, this.#examineFrom);
    return isFirst && this.#refused === this.#lines;
  }

  #keep(line: Uint8Array): void {
    const copy = new Uint8Array(line);
    this.#sample.push(copy);
    this.#sampleBytes += copy.length;
    while (
      this.#sample.length > SAMPLE.lines ||
      (this.#sampleBytes > SAMPLE.bytes && this.#sample.length > 1)
    ) {
      this.#sampleBytes -= this.#sample.shift()?.length ?? 0;
    }
  }
}
