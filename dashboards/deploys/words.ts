import { quantity } from "../format.ts";
import type { Acts } from "./live-messages.ts";
import type { CommandView, DeployDetail, DeploySummary } from "./messages.ts";

/** Words and shapes, so that nothing is told by colour alone. */

export type Colour = "blue" | "green";
export const COLOURS = ["blue", "green"] as const;
export const COLOUR_SHAPES: Record<Colour, string> = { blue: "■", green: "●" };

type Step = DeployDetail["steps"][number];

export const STEP_WORDS: Record<Step["step"], string> = {
  waiting: "Wait for its turn",
  preparing: "Check and prepare",
  starting: "Start new tasks",
  verifying: "Verify and warm up",
  shifting: "Shift traffic",
  baking: "Observe at full traffic",
  draining: "Drain the old tasks",
  finishing: "Finish",
};

export const STEP_STATUS: Record<Step["status"], { shape: string; word: string }> = {
  done: { shape: "✓", word: "done" },
  current: { shape: "▶", word: "now" },
  stopped: { shape: "✕", word: "stopped here" },
  next: { shape: "○", word: "to come" },
};

const OUTCOMES: Record<NonNullable<DeploySummary["outcome"]>, { shape: string; word: string }> = {
  succeeded: { shape: "✓", word: "Succeeded" },
  "rolled-back": { shape: "↩", word: "Rolled back" },
  failed: { shape: "✕", word: "Failed" },
  aborted: { shape: "✕", word: "Aborted" },
  expired: { shape: "◌", word: "Expired" },
};

/** How a deploy stands, in one word with a shape, and a tone for its colour. */
export function standOf({ outcome, isHeld, paused, label }: DeploySummary): {
  shape: string;
  word: string;
  tone: "ok" | "bad" | "warn" | "now";
} {
  if (outcome !== null)
    return { ...OUTCOMES[outcome], tone: outcome === "succeeded" ? "ok" : "bad" };
  if (isHeld) return { shape: "▲", word: "Held: it waits for a person", tone: "warn" };
  if (paused) return { shape: "‖", word: `Paused: it ${label}`, tone: "warn" };
  return { shape: "▶", word: `${label.charAt(0).toUpperCase()}${label.slice(1)}`, tone: "now" };
}

export type CommandKind = CommandView["kind"];

/** What each command does, as the dialog says before it is given. */
export const COMMAND_WORDS: Record<CommandKind, { label: string; does: string }> = {
  "roll-back": {
    label: "Roll back",
    does: "All traffic returns to the old release at once; then the new tasks stop.",
  },
  abort: {
    label: "Abort",
    does: "The deploy ends before users get the new release; its tasks stop.",
  },
  pause: { label: "Pause", does: "It stays in its present state until it is resumed." },
  resume: { label: "Resume", does: "It goes on from where it is." },
  hold: { label: "Hold", does: "It stops here until a person resumes it or rolls it back." },
  force: {
    label: "Force",
    does: "It goes on without what it waits for: freezes and checks. You take the responsibility.",
  },
};

/** The commands that fit now and that the member may give. */
export const offered = (commands: readonly CommandView[], may: Acts): CommandKind[] =>
  commands
    .filter(({ kind, refusal }) => refusal === null && may.includes(kind))
    .map(({ kind }) => kind);

/** "25 %". */
export const shareText = (bp: number): string => {
  const { number, unit } = quantity(bp / 10_000, "ratio");
  return `${number} ${unit}`;
};

/** "r2 → r3", "r3" if there was nothing before. */
export const releasesText = ({ from, release }: Pick<DeploySummary, "from" | "release">): string =>
  from === null ? release : `${from} → ${release}`;

/** Why no effect of a deploy can be shown. One that has begun and ended asked for something. */
export const withoutEffectsText = ({
  outcome,
  startedMs,
}: Pick<DeploySummary, "outcome" | "startedMs">): string =>
  outcome !== null && startedMs !== null
    ? "Its effects are not kept any more: those of the newest 200 deploys are."
    : "Nothing has been asked of the fleet or of a node yet.";
