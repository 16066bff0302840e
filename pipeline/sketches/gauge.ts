const KIND_GAUGE = 3;
const BYTES = 1 + 6 * 8;

export type GaugeValues = {
  count: number;
  /** Time of the last sample, epoch ms. */
  lastMs: number;
  last: number;
  min: number;
  max: number;
  sum: number;
};

/**
 * Samples of a value over time: the last, the extremes, the sum and the number of samples. Merging
 * is associative and commutative. Of two samples at the same time the larger one is the last.
 */
export class Gauge implements GaugeValues {
  count = 0;
  lastMs = Number.NEGATIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  sum = 0;

  get size(): number {
    return this.count;
  }

  /** Null if there are no samples. */
  get mean(): number | null {
    return this.count > 0 ? this.sum / this.count : null;
  }

  add(tMs: number, value: number): void {
    this.mergeValues({ count: 1, lastMs: tMs, last: value, min: value, max: value, sum: value });
  }

  merge(other: Gauge): void {
    this.mergeValues(other);
  }

  mergeValues({ count, lastMs, last, min, max, sum }: GaugeValues): void {
    this.count += count;
    this.sum += sum;
    if (lastMs > this.lastMs || (lastMs === this.lastMs && last > this.last)) {
      this.lastMs = lastMs;
      this.last = last;
    }
    if (min < this.min) this.min = min;
    if (max > this.max) this.max = max;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(BYTES);
    bytes[0] = KIND_GAUGE;
    const view = new DataView(bytes.buffer);
    const { count, lastMs, last, min, max, sum } = this;
    for (const [i, value] of [count, lastMs, last, min, max, sum].entries()) {
      view.setFloat64(1 + i * 8, value, true);
    }
    return bytes;
  }

  /** @throws for bytes that are not from `toBytes` */
  mergeBytes(bytes: Uint8Array): void {
    if (!Gauge.isGauge(bytes)) throw new Error(`not a gauge: ${bytes.length} bytes`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
    const at = (i: number): number => view.getFloat64(1 + i * 8, true);
    this.mergeValues({
      count: at(0),
      lastMs: at(1),
      last: at(2),
      min: at(3),
      max: at(4),
      sum: at(5),
    });
  }

  static isGauge(bytes: Uint8Array): boolean {
    return bytes[0] === KIND_GAUGE && bytes.length === BYTES;
  }
}
