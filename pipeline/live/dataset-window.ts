import { LIVE_COUNTS, MEASURES } from "../measures/index.ts";
import { instances } from "../measures/instances.ts";
import type { Accumulator, Measure } from "../measures/measure.ts";
import { ROUTES } from "../measures/routes.ts";
import { signIns } from "../measures/sign-ins.ts";
import { signOuts } from "../measures/sign-outs.ts";
import type { Sum } from "../measures/sum.ts";
import type { LiveFrame } from "./frame.ts";
import {
  type FrameDelta,
  lastLiveSecond,
  LIVE_SECONDS,
  type LiveState,
  MINUTE_WINDOW_S,
} from "./live-part.ts";
import { NameSet } from "./recent-names.ts";
import { SecondCounts } from "./second-counts.ts";
import { type BusiestRoutes, TopRoutes } from "./top-routes.ts";

type LiveSecond = LiveFrame["seconds"][number];

/** A power of two above the seconds of an hour, so that the slot of a second is computed by a mask. */
const SECONDS = 4096;
const INSTANCES_SHOWN_MAX = 20;
const ROUTES_SHOWN = 10;
/** Significant digits of a metric in frames: no screen shows more. */
const DIGITS = 8;
/** Maximum number of seconds in a frame; a flood of late events is spread over several frames. */
const SECONDS_PER_FRAME_MAX = 60;

/** Metrics in frames; plain counts are in the seconds. */
const LIVE_METRICS = MEASURES.flatMap((measure) => measure.metrics()).filter(
  ({ of, unit }) =>
    of.every(({ live }) => live) &&
    !(unit === "count" && of.every((measure) => LIVE_COUNTS.includes(measure))),
);

/** The last hour of one dataset, in memory that does not depend on its rate. */
export class DatasetWindow {
  /** The second in each slot, of those with events. */
  readonly #stamps = new Float64Array(SECONDS).fill(-1);
  readonly #states = new Map<string, LiveState<Accumulator>>();
  readonly #counts: ReadonlyMap<string, SecondCounts>;
  readonly #routes = new TopRoutes();
  #topRoutes: BusiestRoutes = { routes: [], shortfallMax: 0 };
  #topRoutesOfS = -1;
  /** Whether the second in a slot changed since the last frame: bounded, also while no frames are taken. */
  readonly #isChanged = new Uint8Array(SECONDS);
  #newestArrivalMs: number | null = null;
  #newestEventMs: number | null = null;

  constructor() {
    for (const { name, live } of MEASURES) if (live) this.#states.set(name, live());
    this.#counts = new Map(
      [...this.#states].flatMap(([name, state]) =>
        state instanceof SecondCounts ? [[name, state] as const] : [],
      ),
    );
  }

  merge(delta: FrameDelta, nowMs: number): void {
    const nowS = Math.floor(nowMs / 1000);
    let isLive = false;
    for (const second of delta.seconds) {
      if (second <= nowS - LIVE_SECONDS || second > lastLiveSecond(nowS)) continue;
      isLive = true;
      this.#stamps[second & (SECONDS - 1)] = second;
      this.#isChanged[second & (SECONDS - 1)] = 1;
    }
    if (!isLive) return;
    this.#newestArrivalMs = nowMs;
    this.#newestEventMs = Math.max(this.#newestBefore(nowS), delta.newestEventMs);
    for (const [name, part] of Object.entries(delta.parts)) {
      const state = name === ROUTES ? this.#routes : this.#states.get(name);
      state?.merge(part, delta.seconds, nowS);
    }
  }

  /** Adds a stored sketch from before this process started. */
  mergeSketch(measure: string, sketch: Uint8Array, at: { second: number; nowS: number }): void {
    this.#states.get(measure)?.mergeSketch?.(sketch, at);
  }

  /** The newest event so far; 0 if there is none, or if the clock was set back to before it. */
  #newestBefore(nowS: number): number {
    const newestMs = this.#newestEventMs ?? 0;
    return newestMs / 1000 > lastLiveSecond(nowS) ? 0 : newestMs;
  }

  /** The current frame, with the given seconds. */
  frame(dataset: string, nowMs: number, seconds: LiveSecond[]): LiveFrame {
    const nowS = Math.floor(nowMs / 1000);
    const counted = new Map<string, Accumulator>();
    for (const [name, state] of this.#states) counted.set(name, state.counted(nowS));
    const { routes, shortfallMax } = this.#top(nowS);
    return {
      dataset,
      atMs: nowMs,
      newestArrivalMs: this.#newestArrivalMs,
      newestEventMs: this.#newestEventMs,
      seconds,
      metrics: metricsOf(counted, MINUTE_WINDOW_S + (nowMs % 1000) / 1000),
      instances: namesOf(counted.get(instances.name)),
      topRoutes: routes,
      topRoutesShortfallMax: shortfallMax,
      turnover: {
        "5": this.#turnover(nowS, 5),
        "15": this.#turnover(nowS, 15),
        "60": this.#turnover(nowS, 60),
      },
    };
  }

  /**
   * Seconds that changed since the last call, oldest first; if there are too many, the newest, and the others next
   * time.
   */
  takeChanged(nowMs: number): LiveSecond[] {
    const nowS = Math.floor(nowMs / 1000);
    const changed: LiveSecond[] = [];
    for (let second = lastLiveSecond(nowS); second > nowS - LIVE_SECONDS; second -= 1) {
      const slot = second & (SECONDS - 1);
      if (this.#isChanged[slot] === 0 || this.#stamps[slot] !== second) continue;
      if (changed.length === SECONDS_PER_FRAME_MAX) break;
      this.#isChanged[slot] = 0;
      const found = this.#second(second);
      if (found) changed.push(found);
    }
    return changed.toReversed();
  }

  /** All seconds of the last `lengthS` with events. */
  recent(nowMs: number, lengthS: number): LiveSecond[] {
    const nowS = Math.floor(nowMs / 1000);
    const seconds: LiveSecond[] = [];
    for (let second = nowS - lengthS + 1; second <= nowS; second += 1) {
      const found = this.#second(second);
      if (found) seconds.push(found);
    }
    return seconds;
  }

  #second(second: number): LiveSecond | undefined {
    if (this.#stamps[second & (SECONDS - 1)] !== second) return undefined;
    const found: LiveSecond = { tMs: second * 1000 };
    for (const [name, counts] of this.#counts) found[name] = counts.at(second);
    return found;
  }

  #turnover(nowS: number, minutes: number): LiveFrame["turnover"]["5"] {
    const sum = ({ name }: Measure<Sum>) => this.#counts.get(name)?.sum(nowS, minutes * 60) ?? 0;
    return { signIns: sum(signIns), signOuts: sum(signOuts) };
  }

  /** Computed once a second, because it iterates over some ten thousand counts. */
  #top(nowS: number): BusiestRoutes {
    if (this.#topRoutesOfS !== nowS) {
      this.#topRoutesOfS = nowS;
      this.#topRoutes = this.#routes.top(nowS, ROUTES_SHOWN);
    }
    return this.#topRoutes;
  }
}

function metricsOf(
  counted: ReadonlyMap<string, Accumulator>,
  seconds: number,
): LiveFrame["metrics"] {
  const values = LIVE_METRICS.flatMap((metric) => {
    const of = metric.of.flatMap(({ name }) => counted.get(name) ?? []);
    const value = metric.value(of, seconds);
    return value === null ? [] : [[metric.name, Number(value.toPrecision(DIGITS))] as const];
  });
  return Object.fromEntries(values);
}

/** The names with the most requests. */
function namesOf(found: Accumulator | undefined): string[] {
  const names = found instanceof NameSet ? [...found.names] : [];
  const busiest = names.toSorted(([, a], [, b]) => b - a).slice(0, INSTANCES_SHOWN_MAX);
  return busiest.map(([name]) => name).toSorted();
}
