import type { EffectList } from "#dashboards/deploys/messages.ts";
import { type Colour, COLOURS, type EdgeConfig, type Slot } from "#deployer/drivers.ts";
import type { EffectRecord } from "#deployer/journal/port.ts";
import { type Effect, targetOf } from "#deployer/machine/effects.ts";

import { sharesOf } from "./live.ts";

/** A request of the machine with its reply: in words, and exactly as it was sent. */
export function effectOf({
  id,
  effect,
  atMs,
  result,
}: EffectRecord): EffectList["effects"][number] {
  return {
    id,
    kind: effect.kind,
    target: targetOf(effect),
    text: textOf(effect),
    exact: exactOf(effect),
    atMs,
    status: result?.status ?? "sent",
    reply: result?.reply ?? "",
    tookMs: result ? result.atMs - atMs : null,
  };
}

const WORK = {
  expand: (release) => `run the expand migration of ${release}`,
  contract: (release) => `run the contract migration of ${release}`,
  verify: (release) => `verify health and release of each task of ${release}`,
  "warm-up": (release) => `request the most requested URLs from the tasks of ${release}`,
  announce: (release) => `announce the result of the deploy of ${release}`,
} as const satisfies Record<string, (release: string) => string>;

function textOf(effect: Effect): string {
  switch (effect.kind) {
    case "fleet.ensure": {
      const { colour, release, count } = effect;
      if (count === 0) return `stop all tasks of ${colour} (${release})`;
      return `run ${count} ${count === 1 ? "task" : "tasks"} of ${release} as ${colour}`;
    }
    case "one-off.run":
      return WORK[effect.work.kind](effect.work.release);
    case "edge.close":
      return `close what is still open to ${effect.colour}, spread over ${effect.overMs / 1_000} s`;
    case "edge.apply": {
      const { version, route, slots } = effect.config;
      // `bench/lib/deploy-roll-back.ts` finds the shares in it.
      const shares = sharesOf(route);
      const colours = COLOURS.map(
        (colour) => `${colour} ${shares[colour] / 100} % (${slotsText(slots[colour])})`,
      );
      return `configuration ${version}: ${colours.join(", ")}`;
    }
  }
}

const SLOT_WORDS = [
  ["ready", "in service"],
  // Also a task that enters is checked first.
  ["drain", "without new requests"],
  ["maint", "empty"],
] as const satisfies [Slot["state"], string][];

/** "2 of 4 slots in service, 2 empty". */
function slotsText(slots: readonly Slot[]): string {
  const parts = SLOT_WORDS.map(([state, words]) => {
    return { words, count: slots.filter((slot) => slot.state === state).length };
  }).filter(({ count }) => count > 0);
  const [first, ...others] = parts;
  if (first === undefined) return "no slots";
  if (others.length === 0) {
    return `${slots.length === 1 ? "its slot" : `all ${slots.length} slots`} ${first.words}`;
  }
  const head = `${first.count} of ${slots.length} slots ${first.words}`;
  return [head, ...others.map(({ count, words }) => `${count} ${words}`)].join(", ");
}

/** As the edge is told it: every slot with its state and address. Empty where the words say all. */
function exactOf(effect: Effect): string {
  if (effect.kind !== "edge.apply") return "";
  const { route, releases, slots } = effect.config;
  const lines = COLOURS.map((colour) => slotLine(colour, { releases, slots }));
  return [`live ${route.live}, next ${route.next}, split ${route.splitBp} of 10000`, ...lines].join(
    "\n",
  );
}

function slotLine(colour: Colour, { releases, slots }: Pick<EdgeConfig, "releases" | "slots">) {
  const states = slots[colour].map(
    ({ address, state }, at) => `s${at + 1} ${state}${address === null ? "" : ` ${address}`}`,
  );
  return `${colour} ${releases[colour] ?? "–"}: ${states.join(", ")}`;
}
