import * as fc from "fast-check";

import type { Colour } from "../drivers.ts";
import type { CommandKind } from "../machine/commands.ts";

/** How the new release behaves. */
type Quality =
  | "good"
  | "crash-loop"
  | "dies-later"
  | "fails-verification"
  | "errors"
  | "slow"
  | "expand-fails"
  | "contract-fails";

export type WorldEvent =
  | { kind: "kill-task" | "stop-task"; colour: Colour }
  | { kind: "restart-node" | "cut-off-node" | "retire-node"; node: number; forMs: number }
  | { kind: "join-node" }
  | { kind: "crash" }
  | { kind: "suspend"; forMs: number }
  | { kind: "command"; command: CommandKind };

/** Everything that is random about a simulated deploy. */
export type Scenario = {
  seed: number;
  strategy: "blue-green" | "canary" | "all-at-once";
  isFirst: boolean;
  /** Another deploy is requested while the first one runs. */
  hasSecond: boolean;
  nodes: number;
  count: number;
  quality: Quality;
  migrations: { expand: boolean; contract: boolean };
  warmUp: boolean;
  onInconclusive: "advance" | "hold" | "roll-back";
  /** Of what the tasks of the old release can take; undefined: there is no forecast. */
  load: number | undefined;
  faults: {
    lost: number;
    doubled: number;
    throttled: number;
    journal: number;
    fleetLagMs: number;
  };
  /** Boundaries of effects at which the controller is killed: counted from the start. */
  crashes: readonly number[];
  events: readonly { atMs: number; event: WorldEvent }[];
};

/** When the faults of the world end: a deploy that has not ended later than this is stuck. */
export const FAULTS_UNTIL_MS = 60_000;

/** When nothing disturbs the world any more. */
export function calmFromMs({ events, faults, quality }: Scenario): number {
  const ends = events.map(({ atMs, event }) => atMs + ("forMs" in event ? event.forMs : 0));
  const hasFaults = Object.values(faults).some((rate) => rate > 0) || quality === "dies-later";
  return Math.max(0, hasFaults ? FAULTS_UNTIL_MS : 0, ...ends);
}

const colour = fc.constantFrom<Colour>("blue", "green");
const node = fc.nat({ max: 2 });
const forMs = fc.integer({ min: 500, max: 15_000 });
const command = fc.constantFrom<CommandKind>(
  "pause",
  "resume",
  "hold",
  "abort",
  "roll-back",
  "roll-back",
  "force",
);

const worldEvent: fc.Arbitrary<WorldEvent> = fc.oneof(
  fc.record({ kind: fc.constantFrom("kill-task" as const, "stop-task" as const), colour }),
  fc.record({
    kind: fc.constantFrom("restart-node" as const, "cut-off-node" as const, "retire-node" as const),
    node,
    forMs,
  }),
  fc.constant<WorldEvent>({ kind: "join-node" }),
  fc.constant<WorldEvent>({ kind: "crash" }),
  fc.record({ kind: fc.constant("suspend" as const), forMs }),
  fc.record({ kind: fc.constant("command" as const), command }),
  fc.record({ kind: fc.constant("command" as const), command }),
);

const often = <Value>(usual: Value, others: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: others });

const rateUpTo = (max: number): fc.Arbitrary<number> =>
  often(0, fc.double({ min: max / 10, max, noNaN: true }));

export const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  strategy: fc.constantFrom("blue-green", "canary", "all-at-once"),
  isFirst: fc.nat({ max: 9 }).map((it) => it === 0),
  hasSecond: fc.nat({ max: 4 }).map((it) => it === 0),
  nodes: fc.integer({ min: 1, max: 3 }),
  count: fc.integer({ min: 1, max: 3 }),
  quality: often<Quality>(
    "good",
    fc.constantFrom(
      "crash-loop",
      "dies-later",
      "fails-verification",
      "errors",
      "slow",
      "expand-fails",
      "contract-fails",
    ),
  ),
  migrations: fc.record({ expand: fc.boolean(), contract: fc.boolean() }),
  warmUp: fc.boolean(),
  onInconclusive: fc.constantFrom("advance", "hold", "roll-back"),
  load: fc.option(fc.double({ min: 0.1, max: 0.65, noNaN: true }), { nil: undefined }),
  faults: fc.record({
    lost: rateUpTo(0.1),
    doubled: rateUpTo(0.1),
    throttled: rateUpTo(0.1),
    journal: rateUpTo(0.05),
    fleetLagMs: often(0, fc.integer({ min: 0, max: 5_000 })),
  }),
  crashes: often<number[]>([], fc.array(fc.nat({ max: 150 }), { maxLength: 4 })),
  events: fc.array(fc.record({ atMs: fc.nat({ max: FAULTS_UNTIL_MS }), event: worldEvent }), {
    maxLength: 8,
  }),
});

/** A deploy to which nothing happens. */
export const QUIET: Scenario = {
  seed: 1,
  strategy: "blue-green",
  isFirst: false,
  hasSecond: false,
  nodes: 2,
  count: 2,
  quality: "good",
  migrations: { expand: true, contract: true },
  warmUp: true,
  onInconclusive: "hold",
  load: 0.5,
  faults: { lost: 0, doubled: 0, throttled: 0, journal: 0, fleetLagMs: 0 },
  crashes: [],
  events: [],
};
