import { formatExact, formatQuantity, trimmed } from "../format.ts";
import type { SourceRow, SourceState } from "./messages.ts";

/** States differ by shape and word, not only by colour. */
export const STATES: Record<SourceState, { word: string; shape: string; meaning: string }> = {
  failing: { word: "Failing", shape: "✕", meaning: "cannot be read" },
  warning: { word: "Warning", shape: "▲", meaning: "is read, but something is wrong" },
  silent: { word: "Silent", shape: "◌", meaning: "longer than three times its usual gap" },
  behind: { word: "Behind", shape: "◔", meaning: "more is waiting than is usual" },
  waiting: { word: "Waiting", shape: "○", meaning: "no event has arrived yet" },
  idle: { word: "Idle", shape: "◇", meaning: "nothing new arrives, and no usual gap is known" },
  receiving: { word: "Receiving", shape: "●", meaning: "all is well" },
};

export const SORT_WORDS = {
  state: "State",
  name: "Name",
  rate: "Rate",
  newest: "Newest event",
  behind: "Lag",
  quarantined: "Quarantined",
} as const;

export const GROUP_WORDS = {
  none: "Nothing",
  kind: "Kind",
  state: "State",
  format: "Format",
} as const;

export const ORIGINS: Record<SourceRow["origin"], string> = {
  file: "in sources.yaml",
  start: "named at start, or found in a usual place",
  pushed: "pushed to Quarterdeck",
};

/** "12.5/s"; "0" if nothing arrives. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  return perSecond < 0.01 ? "<0.01/s" : `${shortNumber(perSecond)}/s`;
}

const shortNumber = (value: number): string =>
  value < 1_000 ? trimmed(value, value < 10 ? 2 : 0) : formatQuantity(Math.round(value), "count");

/** "3.2 MB behind"; "up to date" if nothing waits. */
export function lagText({ behind }: SourceRow): string {
  if (!behind) return "–";
  if (behind.left === 0) return "none";
  if (behind.unit === "bytes") return formatQuantity(behind.left, "bytes");
  return `${formatExact(behind.left)} ${behind.unit}`;
}
