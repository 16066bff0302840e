import { AppError } from "#platform/errors.ts";

/** A time zone, for times without one. */
export type Zone = {
  /** As configured: `+02:00` or `Europe/Berlin`. */
  readonly name: string;
  /**
   * Milliseconds east of UTC at a local time; `wallMs` is that time, as epoch ms as if it were UTC. An ambiguous local
   * time (autumn) means the first occurrence; a skipped one (spring) is read with the offset before the change.
   */
  eastMs(wallMs: number): number;
  /** The zone of a line whose header has this offset. Default: `headerZone`. */
  ofHeader?(eastMs: number): Zone;
};

/** The zone of the offset in the header of a line. */
export const headerZone = (eastMs: number): Zone => ({ name: "header", eastMs: () => eastMs });

export const UTC: Zone = { name: "UTC", eastMs: () => 0 };

const DAY_MS = 86_400_000;
const FIXED = /^([+-])(\d\d):?(\d\d)$/;
const OFFSET = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/;
/** Offsets are computed within these years; beyond them the nearest one applies. */
const YEAR_MIN = 1990;
const YEAR_MAX = 2100;

/** The zone of `±HH:MM`, `Z`, or an IANA name such as `Europe/Berlin`. @throws AppError for any other name */
export function zoneOf(name: string): Zone {
  if (name === "Z" || name === "UTC") return { ...UTC, name };
  const found = FIXED.exec(name);
  if (found && Number(found[2]) <= 14 && Number(found[3]) <= 59) {
    const eastMs = signedMs(found);
    return { name, eastMs: () => eastMs };
  }
  try {
    if (!found) return new NamedZone(name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new AppError(
    "bad_request",
    `timezone "${name}": write it as +02:00, -05:30 or an IANA name such as Europe/Berlin`,
  );
}

/** `[, sign, hours, minutes, seconds]` in milliseconds. */
function signedMs([, sign, hours, minutes, seconds = "0"]: RegExpExecArray): number {
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return sign === "-" ? 0 - ms : ms;
}

/** The offset from `fromMs` (local time) on. */
type Span = { fromMs: number; eastMs: number };

/** Uses Intl once per year; afterwards a time costs a comparison, because neighbouring lines share a span. */
class NamedZone implements Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, Span[]>();
  /** The span of the last time. */
  #fromMs = 0;
  #toMs = 0;
  #eastMs = 0;

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en", { timeZone: name, timeZoneName: "longOffset" });
  }

  eastMs(wallMs: number): number {
    if (!(wallMs >= this.#fromMs && wallMs < this.#toMs)) this.#find(wallMs);
    return this.#eastMs;
  }

  #find(wallMs: number): void {
    const shown = new Date(wallMs).getUTCFullYear();
    if (Number.isNaN(shown)) return;
    const year = Math.min(Math.max(shown, YEAR_MIN), YEAR_MAX);
    let spans = this.#years.get(year);
    if (!spans) this.#years.set(year, (spans = this.#spansOf(year)));
    const at = Math.max(
      0,
      spans.findLastIndex(({ fromMs }) => fromMs <= wallMs),
    );
    this.#eastMs = spans[at]?.eastMs ?? 0;
    this.#fromMs = spans[at]?.fromMs ?? 0;
    this.#toMs = spans[at + 1]?.fromMs ?? Date.UTC(year + 1, 0, 1);
  }

  /** Zones change at most once a day: if two days differ, there is a change in between. */
  #spansOf(year: number): Span[] {
    const spans: Span[] = [];
    const endMs = Date.UTC(year + 1, 0, 1) + DAY_MS;
    let before = this.#offsetAt(Date.UTC(year, 0, 1) - DAY_MS);
    spans.push({ fromMs: Date.UTC(year, 0, 1), eastMs: before });
    for (let dayMs = Date.UTC(year, 0, 1); dayMs <= endMs; dayMs += DAY_MS) {
      const after = this.#offsetAt(dayMs);
      if (after !== before) {
        const changeMs = this.#changeBetween(dayMs - DAY_MS, dayMs);
        spans.push({ fromMs: changeMs + Math.max(before, after), eastMs: after });
      }
      before = after;
    }
    return spans;
  }

  /** The instant of the change, to the second. */
  #changeBetween(fromMs: number, toMs: number): number {
    const before = this.#offsetAt(fromMs);
    let low = fromMs / 1000;
    let high = toMs / 1000;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offsetAt(middle * 1000) === before) low = middle;
      else high = middle;
    }
    return high * 1000;
  }

  #offsetAt(epochMs: number): number {
    const parts = this.#format.formatToParts(epochMs);
    const text = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
    const found = OFFSET.exec(text);
    return found ? signedMs(found) : 0;
  }
}
