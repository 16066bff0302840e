import { formatQuantity } from "#dashboards/format.ts";

import type { DeployDetail } from "../messages.ts";
import { shareText } from "../words.ts";

type Step = DeployDetail["steps"][number];

export type ShownStep = {
  key: string;
  /** Undefined on the way back, where the label says what happens. */
  name: Step["step"] | undefined;
  label: string;
  status: Step["status"];
  isWayBack: boolean;
  /** Undefined before it began. */
  tookMs: number | undefined;
  /** What happens in it now, or why it waits or stopped. */
  why: string | undefined;
};

const WAY_BACK: ReadonlySet<string> = new Set(["reverting", "draining-new", "retiring-new"]);

type Known = Pick<DeployDetail, "deploy" | "plan" | "steps" | "history" | "waitsFor">;

/** The steps of a deploy with how long each took; when it turned, those of the way back after the step at which it did. */
export function shownSteps(detail: Known, nowMs: number | undefined): ShownStep[] {
  const { deploy, steps, history, waitsFor } = detail;
  const turned = history.findIndex(({ state }) => WAY_BACK.has(state));
  const turn = turned < 0 ? undefined : history[turned];
  const forward = steps
    .filter(({ status }) => turn === undefined || status !== "next")
    .map((step, at): ShownStep => {
      const end =
        steps.slice(at + 1).find(({ atMs }) => atMs !== null)?.atMs ?? turn?.atMs ?? deploy.doneMs;
      const isCurrent = step.status === "current";
      return {
        key: step.step,
        name: step.step,
        label: step.label,
        status: step.status,
        isWayBack: false,
        tookMs: span(step.atMs, end ?? nowMs),
        why: isCurrent ? whyNow(step) : whyStopped(step),
      };
    });
  return [...forward, ...wayBackOf(detail, nowMs)];

  function whyNow({ step, label }: Step): string {
    return [doing(step, label), waitsFor].filter(Boolean).join(" ");
  }

  function doing(step: Step["step"], label: string): string {
    const { release, shareBp } = deploy;
    const atLeast = formatQuantity(detail.plan.strategy.bakeMs, "ms");
    if (step === "shifting") return `${release} gets ${shareText(shareBp)} of the requests.`;
    if (step === "baking") return `${release} gets all requests for at least ${atLeast}.`;
    return `It ${label}.`;
  }

  function whyStopped({ status }: Step): string | undefined {
    if (status !== "stopped") return undefined;
    return turn?.reason ?? deploy.reason ?? undefined;
  }
}

function wayBackOf({ deploy, history, waitsFor }: Known, nowMs: number | undefined): ShownStep[] {
  return history.flatMap((line, at): ShownStep[] => {
    if (!WAY_BACK.has(line.state)) return [];
    const next = history[at + 1];
    const isCurrent = next === undefined && deploy.outcome === null;
    return [
      {
        key: `${line.state} ${line.atMs}`,
        name: undefined,
        label: `${line.label.charAt(0).toUpperCase()}${line.label.slice(1)}`,
        status: isCurrent ? "current" : "done",
        isWayBack: true,
        tookMs: span(line.atMs, next?.atMs ?? nowMs),
        why: isCurrent ? (waitsFor ?? undefined) : undefined,
      },
    ];
  });
}

const span = (fromMs: number | null, toMs: number | null | undefined): number | undefined =>
  fromMs === null || toMs === null || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);
