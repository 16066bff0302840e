import { people, type Person } from "./people.ts";
import { poisson, seededRandom, smoothNoise, type Random } from "./random.ts";
import { PAGES, PRODUCTS } from "./site.ts";

/** One request that a visitor makes. */
export type Step = {
  atMs: number;
  method: "GET" | "POST";
  /** Path with query. */
  path: string;
  /** Path of the visitor's current page; empty when they came from another site. */
  referrer: string;
  /** Whether the visitor is signed in when the request is made. */
  signedIn: boolean;
  /** Only for POST /login: whether the right password is given. */
  passwordRight: boolean;
};
export type Visit = { person: Person; steps: readonly Step[] };

/** Visitors of a small shop; one model for the history and the live traffic. */
export type DemoModel = {
  /** Expected requests per second. */
  intensity(tMs: number): number;
  /** The visits that begin in this epoch minute, oldest first; deterministic. */
  visits(minute: number): readonly Visit[];
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Maximum length of a visit. */
export const VISIT_MINUTES_MAX = 30;
/** Sunday first, as getUTCDay() counts. */
const DAY_FACTORS = [0.78, 1.05, 1.08, 1.08, 1.06, 1.0, 0.74];
/** The weekday's factor fades into the next one's around midnight. */
const FADE_HOURS = 4;
const NOISE = { slowKnotMs: 6 * HOUR_MS, slow: 0.04, fastKnotMs: 10 * MINUTE_MS, fast: 0.05 };
const THINK_MS = { median: 11_000, sigma: 0.8 };
const SAMPLE_VISITS = 4000;

/**
 * A Poisson cluster process: visits arrive by a non-homogeneous Poisson process whose rate follows the hour, the
 * weekday and smooth noise; each visit is a sequence of requests with log-normal think times.
 */
export function demoModel(options: { seed: number; requestsPerSecondMean: number }): DemoModel {
  const { seed } = options;
  const requestsPerVisit = meanSteps(seed);
  const intensity = (tMs: number): number =>
    options.requestsPerSecondMean * season(tMs) * Math.exp(noise(seed, tMs));
  return {
    intensity,
    visits(minute) {
      const random = seededRandom(seed, minute);
      const startMs = minute * MINUTE_MS;
      const mean = (intensity(startMs + MINUTE_MS / 2) * 60) / requestsPerVisit;
      const starts = Array.from({ length: poisson(mean, random) }, () => random.next());
      starts.sort((a, b) => a - b);
      return starts.map((part) => journey(startMs + part * MINUTE_MS, random));
    },
  };
}

/** The daily and weekly curve, about 1 on average; nights are busy enough for a live board. Hours are UTC. */
function season(tMs: number): number {
  const hour = (tMs % DAY_MS) / HOUR_MS;
  const wave = (times: number, peakHour: number): number =>
    Math.cos((2 * Math.PI * times * (hour - peakHour)) / 24);
  return (1 + 0.4 * wave(1, 15.5) + 0.14 * wave(2, 20.5)) * weekday(tMs);
}

function weekday(tMs: number): number {
  const shifted = tMs + (FADE_HOURS / 2) * HOUR_MS;
  const day = new Date(shifted).getUTCDay();
  const today = DAY_FACTORS[day] ?? 1;
  const yesterday = DAY_FACTORS[(day + 6) % 7] ?? 1;
  const into = Math.min(1, (shifted % DAY_MS) / (FADE_HOURS * HOUR_MS));
  const weight = (1 - Math.cos(Math.PI * into)) / 2;
  return yesterday * (1 - weight) + today * weight;
}

function noise(seed: number, tMs: number): number {
  return (
    NOISE.slow * smoothNoise(seed ^ 0x51, tMs / NOISE.slowKnotMs) +
    NOISE.fast * smoothNoise(seed ^ 0xfa, tMs / NOISE.fastKnotMs)
  );
}

/** Mean number of requests of a visit, by simulation, so that the rate stays right when journeys change. */
function meanSteps(seed: number): number {
  const random = seededRandom(seed, -1);
  let steps = 0;
  for (let i = 0; i < SAMPLE_VISITS; i += 1) steps += journey(0, random).steps.length;
  return steps / SAMPLE_VISITS;
}

/** One visit: browse, perhaps sign in, buy and sign out. */
function journey(startMs: number, random: Random): Visit {
  const person = people[Math.floor(random.next() ** 1.3 * people.length)] ?? people[0];
  if (!person) throw new Error("the demo has no people");
  const trip = new Trip(startMs, random);
  trip.page(random.next() < 0.6 ? "/" : anyPage(random));
  if (random.next() < 0.7) trip.assets();
  if (random.next() < 0.62) trip.signIn();
  const pages = 1 + Math.floor(-6 * Math.log(1 - random.next()));
  for (let i = 0; i < Math.min(pages, 30); i += 1) trip.browse();
  if (trip.signedIn && random.next() < 0.28) trip.buy();
  if (trip.signedIn && random.next() < 0.72) trip.post("/logout", true);
  return { person, steps: trip.steps };
}

class Trip {
  readonly steps: Step[] = [];
  signedIn = false;
  #atMs: number;
  #page = "";
  readonly #random: Random;
  readonly #endMs: number;

  constructor(startMs: number, random: Random) {
    this.#atMs = startMs;
    this.#endMs = startMs + VISIT_MINUTES_MAX * MINUTE_MS;
    this.#random = random;
  }

  page(path: string): void {
    this.#add("GET", path, true);
    this.#page = path;
    this.#think();
  }

  assets(): void {
    for (const path of ["/assets/shop.css", "/assets/shop.js", "/favicon.ico"]) {
      this.#atMs += 20 + 60 * this.#random.next();
      this.#add("GET", path, true);
    }
    this.#think();
  }

  signIn(): void {
    this.page("/login");
    while (this.#random.next() < 0.07) this.post("/login", false);
    this.post("/login", true);
    this.signedIn = true;
    this.page("/account");
  }

  browse(): void {
    this.page(anyPage(this.#random));
    if (this.#page.startsWith("/products/")) {
      this.#atMs += 30;
      this.#add("GET", `/api${this.#page}/stock`, true);
      if (this.#random.next() < 0.12) this.post("/api/cart", true);
    }
  }

  buy(): void {
    this.page("/cart");
    this.post("/api/orders", true);
    this.page("/account");
  }

  post(path: string, passwordRight: boolean): void {
    this.#add("POST", path, passwordRight);
    this.#think();
  }

  #add(method: "GET" | "POST", path: string, passwordRight: boolean): void {
    if (this.#atMs >= this.#endMs) return;
    const { signedIn } = this;
    const step = { atMs: this.#atMs, method, path, referrer: this.#page, signedIn, passwordRight };
    this.steps.push(step);
  }

  #think(): void {
    this.#atMs += 300 + THINK_MS.median * Math.exp(THINK_MS.sigma * this.#random.normal());
  }
}

/** Mostly popular products; some bookmarks are of products no longer sold. */
function anyPage(random: Random): string {
  const kind = random.next();
  if (kind < 0.3) return `/products?page=${1 + Math.floor(random.next() ** 2 * PAGES)}`;
  if (kind < 0.965) return `/products/${1 + Math.floor(random.next() ** 2.2 * PRODUCTS)}`;
  return `/products/${PRODUCTS + 1 + Math.floor(random.next() * 60)}`;
}
