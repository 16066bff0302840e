import {
  type Colour,
  COLOURS,
  type EdgeConfig,
  type NodeView,
  otherColour,
  type Route,
} from "#deployer/drivers.ts";

import { placeOfSession, STICKY_COOKIE, WHOLE_BP } from "../lane.ts";
import { LaneHistory } from "../traffic/lane-history.ts";
import type { NodeSettings, WorkloadSettings } from "./node-settings.ts";
import { RunningSlot } from "./running-slot.ts";
import type { Session, Target } from "./target.ts";

/** A workload as the node runs it. */
export class RunningWorkload {
  readonly name: string;
  readonly slots: Readonly<Record<Colour, RunningSlot[]>> = { blue: [], green: [] };
  /** What clients got from each colour. */
  readonly traffic = new LaneHistory();
  version = 0;
  route: Route = { live: "blue", next: "green", splitBp: 0 };
  releases: EdgeConfig["releases"] = { blue: null, green: null };
  readonly #responseMs: number;
  #checkPath: string;
  #turn = 0;

  constructor(
    { name, slotsPerColour, checkPath }: WorkloadSettings,
    { responseMs }: Pick<NodeSettings, "responseMs">,
  ) {
    this.name = name;
    this.#checkPath = checkPath;
    this.#responseMs = responseMs;
    for (const colour of COLOURS) this.#grow(colour, slotsPerColour);
  }

  get view(): NodeView {
    const { version, route, releases, slots } = this;
    const viewsOf = (colour: Colour) => slots[colour].map(({ view }) => view);
    return { version, route, releases, slots: { blue: viewsOf("blue"), green: viewsOf("green") } };
  }

  /** Why the configuration cannot be applied, or undefined. */
  refusal({ version, slots }: EdgeConfig): string | undefined {
    if (version < this.version) return `version ${version} is older than ${this.version}`;
    for (const colour of COLOURS) {
      const own = this.slots[colour].length;
      // A task may be in one that it lacks. What was saved before there were more slots lacks empty ones.
      if (slots[colour].length < own && this.version > 0) {
        return `${colour} has ${own} slots here, and ${slots[colour].length} in the configuration`;
      }
      for (const [at, wanted] of slots[colour].entries()) {
        const why = (this.slots[colour][at] ?? this.#newSlot(colour, at)).refusal(wanted);
        if (why !== undefined) return why;
      }
    }
    return undefined;
  }

  /** All at once: no request sees a part of it. It may have more slots than there were. */
  change({ version, route, releases, slots }: EdgeConfig): void {
    for (const colour of COLOURS) {
      this.#grow(colour, slots[colour].length);
      for (const [at, slot] of slots[colour].entries()) this.slots[colour][at]?.change(slot);
    }
    this.version = version;
    this.route = route;
    this.releases = releases;
  }

  /** The colour that the route gives to a request with these cookies. */
  laneOf(cookies: string | undefined): Colour {
    const { live, next, splitBp } = this.route;
    if (splitBp === 0 || live === next) return live;
    const session = cookies === undefined ? undefined : sessionIn(cookies);
    const place = session === undefined ? Math.random() * WHOLE_BP : placeOfSession(session);
    return place < splitBp ? next : live;
  }

  /**
   * The slot with the fewest sessions: of the lane, otherwise of the other colour; if none serves, one that was admitted, as a
   * machine without time fails checks too; and of those that were tried only if there is no other.
   */
  pick(lane: Colour, tried: readonly RunningSlot[]): RunningSlot | undefined {
    const untried = this.#ofEither(lane, tried, serves) ?? this.#ofEither(lane, tried, isAdmitted);
    if (untried !== undefined || tried.length === 0) return untried;
    return this.#ofEither(lane, [], serves) ?? this.#ofEither(lane, [], isAdmitted);
  }

  #ofEither(lane: Colour, tried: readonly RunningSlot[], may: May): RunningSlot | undefined {
    return this.#least(lane, tried, may) ?? this.#least(otherColour(lane), tried, may);
  }

  #least(colour: Colour, tried: readonly RunningSlot[], may: May): RunningSlot | undefined {
    const slots = this.slots[colour];
    const count = slots.length;
    this.#turn = (this.#turn + 1) % count;
    let best: RunningSlot | undefined;
    let sessionsOfBest = Infinity;
    for (let step = 0; step < count; step += 1) {
      const slot = slots[(this.#turn + step) % count];
      if (slot === undefined || !may(slot) || tried.includes(slot)) continue;
      const sessions = slot.target?.sessions.size ?? 0;
      if (sessions >= sessionsOfBest) continue;
      best = slot;
      sessionsOfBest = sessions;
    }
    return best;
  }

  /** Closes what is open in slots that are in drain, one after the other. */
  closeSessions(colour: Colour, overMs: number): void {
    const open = this.slots[colour]
      .filter(({ isDraining }) => isDraining)
      .flatMap((slot) => [...(slot.target?.sessions ?? [])].map((session) => ({ slot, session })));
    for (const [at, { slot, session }] of open.entries()) {
      const { target } = slot;
      setTimeout(() => closeIf(slot, target, session), (overMs * (at + 1)) / open.length).unref();
    }
  }

  /** Tasks are checked there from now on. */
  checkAt(path: string): void {
    this.#checkPath = path;
    for (const slot of [...this.slots.blue, ...this.slots.green]) slot.checkAt(path);
  }

  /** Resolves when it is known of each slot whether it serves. */
  async decided(): Promise<void> {
    await Promise.all(COLOURS.flatMap((colour) => this.slots[colour].map((slot) => slot.decided)));
  }

  #grow(colour: Colour, count: number): void {
    const slots = this.slots[colour];
    while (slots.length < count) slots.push(this.#newSlot(colour, slots.length));
  }

  #newSlot = (colour: Colour, index: number): RunningSlot =>
    new RunningSlot({ colour, index, checkPath: this.#checkPath, responseMs: this.#responseMs });

  stop(): void {
    for (const colour of COLOURS) for (const slot of this.slots[colour]) slot.stop();
  }
}

type May = (slot: RunningSlot) => boolean;
const serves: May = (slot) => slot.serves;
const isAdmitted: May = (slot) => slot.isAdmitted;

/** Unless the slot serves again, or has another task. */
function closeIf(slot: RunningSlot, target: Target | undefined, session: Session): void {
  if (slot.isDraining && slot.target === target && target?.sessions.has(session) === true) {
    session.close();
  }
}

const COOKIE_START = `${STICKY_COOKIE}=`;

/** The value of the session cookie: the last one, as HAProxy reads it. */
function sessionIn(cookies: string): string | undefined {
  let at = cookies.lastIndexOf(COOKIE_START);
  while (at > 0 && cookies[at - 1] !== " " && cookies[at - 1] !== ";") {
    at = cookies.lastIndexOf(COOKIE_START, at - 1);
  }
  if (at === -1) return undefined;
  const end = cookies.indexOf(";", at);
  return cookies.slice(at + COOKIE_START.length, end === -1 ? undefined : end).trim();
}
