import { COLOURS } from "#deployer/drivers.ts";

import type { ErrorCount } from "../traffic/count-errors.ts";
import type { LaneHealth, NodeHealth } from "./port.ts";

const REFUSED_FROM = 400;
const FAILED_FROM = 500;
/** Fewer errors than this say nothing. */
const ERRORS_MIN = 2;
/** By so much the share of errors may grow. */
const RATIO_GROWTH_MAX = 0.01;

/** What a node with a new template does worse than before, for people; undefined if nothing. */
export function whyWorse(
  before: NodeHealth,
  now: NodeHealth,
  template: string,
): string | undefined {
  if (now.template !== template) {
    return `its process reports the configuration ${now.template ?? "of nobody"} instead of ${template}`;
  }
  for (const [workload, lanes] of Object.entries(before.workloads)) {
    for (const colour of COLOURS) {
      const worse = whyLaneWorse(lanes[colour], now.workloads[workload]?.[colour]);
      if (worse !== undefined) return `${workload} (${colour}): ${worse}`;
    }
  }
  return undefined;
}

function whyLaneWorse(before: LaneHealth, now: LaneHealth | undefined): string | undefined {
  const answer = whyAnswerWorse(before.status, now?.status ?? null);
  // Without tasks a node answers with 503 or not at all.
  const isRefused = answer !== undefined && (now?.status ?? FAILED_FROM) < FAILED_FROM;
  if (isRefused || before.up === 0 || (now?.up ?? 0) > 0) return answer;
  return "no task passes its checks any more";
}

function whyAnswerWorse(before: number | null, now: number | null): string | undefined {
  // A new template may repair what was refused.
  const wasWell = before !== null && before < REFUSED_FROM;
  if (!wasWell || now === before) return undefined;
  return `a request is answered ${now === null ? "not at all" : `with ${now}`}; before it was ${before}`;
}

/** Whether clients of a node get more errors than those of all nodes did before, for people; undefined if not. */
export function whyTooManyErrors(before: ErrorCount, now: ErrorCount): string | undefined {
  const usual = ratioOf(before);
  if (now.errors < ERRORS_MIN || ratioOf(now) <= usual + RATIO_GROWTH_MAX) return undefined;
  return `${now.errors} of ${now.requests} requests failed (${percent(ratioOf(now))}; before ${percent(usual)})`;
}

const ratioOf = ({ requests, errors }: ErrorCount): number =>
  requests === 0 ? 0 : errors / requests;

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
