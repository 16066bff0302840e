/** Units of durations in logs; `none`: the number is no duration, or its unit cannot be told. */
export const DURATION_UNITS = ["us", "ms", "s", "none"] as const;
export type DurationUnit = (typeof DURATION_UNITS)[number];
type Unit = Exclude<DurationUnit, "none">;

const NS_PER: Readonly<Record<Unit, number>> = { us: 1e3, ms: 1e6, s: 1e9 };
/** A number that may have a unit, such as `12`, `0.012`, `12ms`. */
const DURATION = /^(\d{1,15}(?:\.\d{1,9})?)(ns|us|[µμ]s|ms|s)?$/;
const NS_PER_SUFFIX: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
};
const TITLES: Readonly<Record<DurationUnit, string>> = {
  us: "microseconds",
  ms: "milliseconds",
  s: "seconds",
  none: "no duration, because its unit is not clear",
};
/** Stored for fields with a decimal point. */
const FRACTION = "fraction";
const UNITS: readonly Unit[] = ["us", "ms", "s"];
/**
 * How common the units of whole numbers are, as logarithms: Apache's %D, the usual one, has microseconds. The last
 * column of an Apache line is %D more often than a number under any name.
 */
const PRIOR: Readonly<Record<Unit, number>> = { us: 0, ms: -2.3, s: -3 };
const PRIOR_COLUMN: Readonly<Record<Unit, number>> = { us: 0, ms: -3.5, s: -4 };
/** Response times are distributed log-normally around 5 ms, most of them between 50 µs and 500 ms. */
const MEDIAN_S = 0.005;
const SPREAD = 2.3;
/** No server answers within 40 µs, and few within 100 µs. */
const TOO_SHORT = 6;
/** Durations of one log are alike, so that many of them are no more evidence than a few independent ones. */
const VALUES_MAX = 5;
/** Lead of the best unit over the next one to be chosen at first, and to replace a chosen one. */
const LEAD_MIN = 1.5;
const LEAD_OF_CHANGE = 4;
const VALUES_OF_CHANGE_MIN = 20;
const VALUES_BETWEEN_CHOICES = 20;

/** The unit of a field with whole numbers, by their size. */
class FieldUnit {
  chosen: DurationUnit | undefined;
  /** What was chosen before the latest change, if it changed while the log was read. */
  before: DurationUnit | undefined;
  values = 0;
  /** Whether it had a decimal point. */
  isInSeconds = false;
  readonly #prior: Readonly<Record<Unit, number>>;
  readonly #sums: Record<Unit, number> = { us: 0, ms: 0, s: 0 };

  constructor(prior: Readonly<Record<Unit, number>>) {
    this.#prior = prior;
  }

  note(value: number): void {
    for (const unit of UNITS) this.#sums[unit] += logLikelihood(value, NS_PER[unit] / 1e9);
    this.values += 1;
  }

  /** Chooses if there is new evidence: at each of the first values, then now and then. */
  choose(): DurationUnit {
    const isDue = this.values < VALUES_MAX || this.values % VALUES_BETWEEN_CHOICES === 0;
    if (this.chosen !== undefined && !isDue) return this.chosen;
    const [best = "us", next = "us"] = UNITS.toSorted((a, b) => this.#score(b) - this.#score(a));
    const lead = this.#score(best) - this.#score(next);
    const isUndecided = this.chosen === undefined || this.chosen === "none";
    if (isUndecided) this.#set(lead >= LEAD_MIN ? best : "none");
    else if (this.#mayChange(best, lead)) this.#set(best);
    return this.chosen ?? "none";
  }

  /** Few lines do not change what earlier ones decided. */
  #mayChange(best: Unit, lead: number): boolean {
    return best !== this.chosen && lead >= LEAD_OF_CHANGE && this.values >= VALUES_OF_CHANGE_MIN;
  }

  /** Forgets the numbers, but not what they decided. */
  clear(): void {
    this.values = 0;
    for (const unit of UNITS) this.#sums[unit] = 0;
  }

  #set(unit: DurationUnit): void {
    if (this.chosen !== undefined && this.chosen !== "none" && this.chosen !== unit)
      this.before = this.chosen;
    this.chosen = unit;
  }

  #score(unit: Unit): number {
    if (this.values === 0) return this.#prior[unit];
    const mean = this.#sums[unit] / this.values;
    return this.#prior[unit] + mean * Math.min(this.values, VALUES_MAX);
  }
}

/** Two readings of the same numbers, of which lines support one or the other. */
type Votes = { first: number; second: number };

/**
 * What the durations of one stream mean, decided with the evidence of many lines. A setting overrides it; the decision
 * is stored with the position of the stream.
 */
export class DurationUnits {
  readonly #fields = new Map<string, FieldUnit>();
  readonly #votes = new Map<string, Votes>();
  readonly #settings = new Map<string, DurationUnit | undefined>();
  readonly #fixed: (field: string) => DurationUnit | undefined;

  constructor(fixed: (field: string) => DurationUnit | undefined = () => undefined) {
    this.#fixed = fixed;
  }

  /**
   * Nanoseconds of a text that `isDuration`: NaN if it is no duration. A number with a decimal point and without a unit
   * is in seconds, as no server logs fractions of smaller units. `column`: the number has no name, but its place is that
   * of `%D`.
   */
  nsOf(field: string, text: string, column = false): number {
    const [, amount, suffix] = DURATION.exec(text) ?? [];
    const value = Number(amount);
    if (suffix !== undefined) return Math.round(value * (NS_PER_SUFFIX[suffix] ?? Number.NaN));
    const fixed = this.#fixedOf(field);
    if (fixed !== undefined) return fixed === "none" ? Number.NaN : nsIn(value, fixed);
    const named = unitInName(field);
    if (named !== undefined) return nsIn(value, named);
    const unit = this.#field(field, column ? PRIOR_COLUMN : PRIOR);
    // A whole number of such a field, such as 1 in JSON, was 1.000.
    if (text.includes(".")) unit.isInSeconds = true;
    if (unit.isInSeconds) return nsIn(value, "s");
    unit.note(value);
    const chosen = unit.choose();
    return chosen === "none" ? Number.NaN : nsIn(value, chosen);
  }

  /** Counts a line in favour of a reading; a line that supports neither follows the others. */
  isSecond(question: string, vote: "first" | "second" | undefined): boolean {
    let votes = this.#votes.get(question);
    if (!votes) this.#votes.set(question, (votes = { first: 0, second: 0 }));
    if (vote !== undefined) votes[vote] += 1;
    return votes.second > votes.first;
  }

  /** To be called after lines were read only for their evidence: they are read again, and must not count twice. */
  endSample(): void {
    for (const field of this.#fields.values()) field.clear();
    for (const votes of this.#votes.values()) {
      const isSecond = votes.second > votes.first;
      Object.assign(votes, { first: 0, second: isSecond ? 1 : 0 });
    }
  }

  /** The decisions, to be stored; empty if there are none. */
  get stored(): string {
    const units = [...this.#fields]
      .filter(([, { chosen, isInSeconds }]) => isInSeconds || (chosen ?? "none") !== "none")
      .map(([field, { chosen, isInSeconds }]) => `${field}=${isInSeconds ? FRACTION : chosen}`);
    const seconds = [...this.#votes]
      .filter(([, { first, second }]) => second > first)
      .map(([question]) => `${question}=second`);
    return [...units, ...seconds].join(",");
  }

  /** Continues with stored decisions. */
  restore(stored: string): void {
    for (const part of stored.split(",")) {
      const equals = part.lastIndexOf("=");
      const name = part.slice(0, Math.max(0, equals));
      const unit = DURATION_UNITS.find((candidate) => candidate === part.slice(equals + 1));
      if (part.endsWith(`=${FRACTION}`)) this.#field(name, PRIOR).isInSeconds = true;
      else if (unit !== undefined) this.#field(name, PRIOR).chosen ??= unit;
      else if (part.endsWith("=second")) this.isSecond(name, "second");
    }
  }

  /** Message for people: what was decided and how to change it; undefined if there was nothing to decide. */
  get note(): string | undefined {
    const guesses = [...this.#fields]
      .filter(([, { isInSeconds, chosen }]) => !isInSeconds && chosen !== undefined)
      .map(([field, { chosen = "none", before }]) => {
        const changed = before === undefined ? "" : ` (earlier lines in ${TITLES[before]})`;
        return `${field} is read as ${TITLES[chosen]}${changed}`;
      });
    if (guesses.length === 0) return undefined;
    return `guessed from the size of the numbers: ${guesses.join(", ")} (QUARTERDECK_DURATION_UNITS overrides it)`;
  }

  /** The setting of a field, looked up once. */
  #fixedOf(field: string): DurationUnit | undefined {
    if (!this.#settings.has(field)) this.#settings.set(field, this.#fixed(field));
    return this.#settings.get(field);
  }

  #field(name: string, prior: Readonly<Record<Unit, number>>): FieldUnit {
    let field = this.#fields.get(name);
    if (!field) this.#fields.set(name, (field = new FieldUnit(prior)));
    return field;
  }
}

/** The units of the stream that is read. */
export const unitsOf = (context: { units?: DurationUnits }): DurationUnits =>
  (context.units ??= new DurationUnits());

const nsIn = (value: number, unit: Unit): number => Math.round(value * NS_PER[unit]);

const NAME =
  /^(?:d|rt|dur|duration|took|elapsed|latency|time|(?:req|request|resp|response|total|serv(?:e|ice|ing)|process(?:ing)?|exec(?:ution)?)[_-]?(?:time|duration|dur|latency)|time[_-]?(?:taken|spent|used))?(?:[_-]?(?:us|[uµ]sec|micros(?:econds)?|ms|msec|millis(?:econds)?|s|secs?|seconds))?$/;
const UNIT_SUFFIXES: readonly [RegExp, Unit][] = [
  [/(?:^|[_-]|n|d|y|time|took|rt)(?:us|[uµ]sec|micros|microseconds)$/, "us"],
  [/(?:^|[_-]|n|d|y|time|took|rt)(?:ms|msec|millis|milliseconds)$/, "ms"],
  [/[_-](?:s|secs?|seconds)$|^seconds$/, "s"],
];

export const isDuration = (text: string): boolean => DURATION.test(text);

export const hasUnit = (text: string): boolean => DURATION.exec(text)?.[2] !== undefined;

/** Short for a status: `us` is the usual name of nginx's `$upstream_status`. */
const STATUS_NAMES: readonly string[] = ["us", "s"];

/** Whether a name is that of the duration of a request. */
export const isDurationName = (name: string): boolean =>
  name !== "" && NAME.test(name) && !STATUS_NAMES.includes(name);

function unitInName(name: string): Unit | undefined {
  return UNIT_SUFFIXES.find(([pattern]) => pattern.test(name))?.[1];
}

/** How probable a whole number is in this unit: the logarithm of the share of durations that are cut to it. */
function logLikelihood(value: number, secondsPerUnit: number): number {
  const low = value === 0 ? 0 : cumulative(value * secondsPerUnit);
  const share = cumulative((value + 1) * secondsPerUnit) - low;
  // Without a floor, one duration of an hour would outweigh all others.
  const shortestS = value * secondsPerUnit;
  const isTooShort = shortestS < 40e-6 && (value > 0 || secondsPerUnit < 1e-3);
  const penalty = isTooShort ? TOO_SHORT : shortestS < 100e-6 && value > 0 ? TOO_SHORT / 4 : 0;
  return Math.log(Math.max(share, 0) + 1e-9) - penalty;
}

/** Share of durations below this one. */
function cumulative(seconds: number): number {
  const z = Math.log(seconds / MEDIAN_S) / SPREAD;
  // The logistic function is close enough to the normal distribution, and has heavier tails.
  return 1 / (1 + Math.exp(-1.702 * z));
}
