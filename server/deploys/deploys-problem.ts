import { existsSync } from "node:fs";
import path from "node:path";

import type { Clock } from "#platform/clock.ts";

import type { Deploys } from "./follow-deploys.ts";

/** A role that was killed is back sooner. */
const AWAY_MS_MAX = 15_000;

/** Why no deploys are possible, for people; null if they are, or if nothing was ever deployed here. */
export function deploysProblemOf(
  deploys: Pick<Deploys, "isConnected">,
  { dataFolder, isOwn, clock }: { dataFolder: string; isOwn: boolean; clock: Clock },
): () => string | null {
  let connectedMs = clock.nowMs();
  return () => {
    if (deploys.isConnected()) connectedMs = clock.nowMs();
    const isUsed = isOwn || existsSync(path.join(dataFolder, "deploys"));
    const isAway = clock.nowMs() - connectedMs > AWAY_MS_MAX;
    return isUsed && isAway ? "The role deploys is not connected." : null;
  };
}
