import { z } from "zod";

export const BASIS_POINTS = 10_000;

/** How traffic moves, and how it is judged on the way. Times in ms. */
export const Strategy = z.object({
  /** `blue-green`: in steps. `canary`: a small share, then all. `all-at-once`. */
  kind: z.enum(["blue-green", "canary", "all-at-once"]),
  /** Shares of the new colour in basis points, increasing; the last step is always all. */
  stepsBp: z
    .array(z.int().min(1).max(BASIS_POINTS))
    .max(50)
    .refine((steps) => steps.every((bp, index) => bp > (steps[index - 1] ?? 0)), {
      message: "must increase from step to step",
    })
    .optional(),
  /** How long each step is watched at least. */
  analyseMs: z.int().min(0),
  /** After this time a step without enough requests is inconclusive. */
  analyseMsMax: z.int().min(0),
  /** Requests to the new colour that a step needs for a decision. */
  requestsMin: z.int().min(0),
  onInconclusive: z.enum(["advance", "hold", "roll-back"]),
  /** How long the new colour has all traffic while the old one is ready to take it back. */
  bakeMs: z.int().min(0),
  /** After this time open requests and streams of the old colour are closed. */
  drainMs: z.int().min(0),
  warmUp: z.boolean(),
  /** How long after the deploy the schema must still fit the old release. */
  contractAfterMs: z.int().min(0),
});
export type Strategy = z.infer<typeof Strategy>;

const STEPS: Readonly<Record<Strategy["kind"], readonly number[]>> = {
  "blue-green": [100, 1_000, 5_000],
  canary: [500],
  "all-at-once": [],
};

/** The first release of a workload has nothing to share traffic with. */
export function stepsOf(strategy: Strategy, isFirst: boolean): number[] {
  if (isFirst || strategy.kind === "all-at-once") return [BASIS_POINTS];
  const steps = strategy.stepsBp ?? STEPS[strategy.kind];
  return [...steps.filter((bp) => bp < BASIS_POINTS), BASIS_POINTS];
}

const MINUTE = 60_000;

/** Defaults; a request overrides single fields. */
export const STRATEGY: Strategy = {
  kind: "blue-green",
  analyseMs: 2 * MINUTE,
  analyseMsMax: 10 * MINUTE,
  requestsMin: 100,
  onInconclusive: "hold",
  bakeMs: 10 * MINUTE,
  drainMs: 15 * MINUTE,
  warmUp: true,
  contractAfterMs: 60 * MINUTE,
};
