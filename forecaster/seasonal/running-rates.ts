/** How a rate depends on the time of the day and the week. */
export type RateShape = {
  of: "flat" | "day" | "week";
  /** Weight of the assumption that all times are equal, in events per cell. */
  prior: number;
};

/** The seasons and the shape in buckets. */
export type RateOptions = {
  day: number;
  week: number;
  /** The bucket of the day at which weekdays change: series begin at any time of the day. */
  dayStart: number;
  shape: RateShape;
  /** Of the weights of older buckets, for the level; Infinity to weight all equally. */
  halfLife: number;
};

/** With few events, finer cells of the day than these would have none. */
const DAY_CELLS_MAX = 24;

/**
 * The rate of a count, updated bucket by bucket: a level times a factor of the time of the day and one of the weekday.
 * The level is the ratio of events to time, so its forecast is a mean also if most buckets have no events.
 */
export class RunningRates {
  readonly #options: RateOptions;
  readonly #decay: number;
  readonly #ofDay: Cells;
  readonly #ofWeek: Cells;
  #events = 0;
  #exposure = 0;
  #recentEvents = 0;
  #recentExposure = 0;

  constructor(options: RateOptions) {
    this.#options = options;
    this.#decay = 0.5 ** (1 / options.halfLife);
    this.#ofDay = new Cells(Math.min(options.day, DAY_CELLS_MAX));
    this.#ofWeek = new Cells(Math.ceil(options.week / options.day));
  }

  /** Adds the events counted in bucket `t`, of which `exposure` steps were measured. */
  observe(t: number, events: number, exposure: number): void {
    const factor = this.#factorAt(t);
    this.#recentEvents = this.#recentEvents * this.#decay + events;
    this.#recentExposure = this.#recentExposure * this.#decay + exposure * factor;
    this.#events += events;
    this.#exposure += exposure;
    this.#ofDay.add(this.#dayCell(t), events, exposure);
    this.#ofWeek.add(this.#weekCell(t), events, exposure);
  }

  /** Events per step in bucket `t`. */
  rateAt(t: number): number {
    return this.#level() * this.#factorAt(t);
  }

  /** The number of events from which the level is estimated. */
  get events(): number {
    return this.#options.halfLife === Infinity ? this.#events : this.#recentEvents;
  }

  /** The recent level with the weight of its events, and the whole history with the weight of one event. */
  #level(): number {
    if (this.#exposure === 0) return 0;
    const whole = this.#events / this.#exposure;
    if (this.#options.halfLife === Infinity || whole === 0) return whole;
    return (this.#recentEvents + 1) / (this.#recentExposure + 1 / whole);
  }

  #factorAt(t: number): number {
    const { of, prior } = this.#options.shape;
    if (of === "flat" || this.#exposure === 0) return 1;
    const level = this.#events / this.#exposure;
    const ofDay = this.#ofDay.factor(this.#dayCell(t), level, prior);
    return of === "day" ? ofDay : ofDay * this.#ofWeek.factor(this.#weekCell(t), level, prior);
  }

  #dayCell(t: number): number {
    const { day } = this.#options;
    return Math.floor(((t % day) * this.#ofDay.size) / day);
  }

  #weekCell(t: number): number {
    const { day, week, dayStart } = this.#options;
    return Math.floor(((t - dayStart + week) % week) / day);
  }
}

/** Events and measured steps by cell of a season. */
class Cells {
  readonly size: number;
  readonly #events: Float64Array;
  readonly #exposure: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.#events = new Float64Array(size);
    this.#exposure = new Float64Array(size);
  }

  add(cell: number, events: number, exposure: number): void {
    this.#events[cell]! += events;
    this.#exposure[cell]! += exposure;
  }

  /** The rate of a cell relative to the level, shrunk towards 1. */
  factor(cell: number, level: number, prior: number): number {
    return (this.#events[cell]! + prior) / (this.#exposure[cell]! * level + prior);
  }
}
