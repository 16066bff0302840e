import type {
  DeployDetail,
  DeploySummary,
  EffectList,
  WorkloadView,
} from "#dashboards/deploys/messages.ts";
import { withoutEffectsText } from "#dashboards/deploys/words.ts";
import { printable } from "#platform/terminal.ts";

export const percent = (bp: number): string => `${bp / 100} %`;
/** "2026-05-17 10:00:05", UTC. */
export const timeOf = (atMs: number): string =>
  new Date(atMs).toISOString().slice(0, 19).replace("T", " ");

/** One line of a list. */
export function lineOf(deploy: DeploySummary): string {
  const { id, workload, from, release, label, createdAtMs, createdBy, reason } = deploy;
  const why = reason === null || deploy.outcome === "succeeded" ? "" : `: ${reason}`;
  return printable(
    `${timeOf(createdAtMs)}  ${id}  ${workload} ${from ?? "nothing"} → ${release}  ${label}${why}  (${createdBy})`,
  );
}

/** One deploy with everything that people need to decide. */
export function detailText(detail: DeployDetail): string {
  const { deploy, steps, history, waitsFor, wayBack, commands } = detail;
  const marks = { done: "✓", current: "▶", stopped: "✗", next: "·" } as const;
  const accepted = commands.filter(({ refusal }) => refusal === null).map(({ kind }) => kind);
  return [
    lineOf(deploy),
    "",
    ...steps.map(({ status, step, label }) => `  ${marks[status]} ${step.padEnd(10)} ${label}`),
    "",
    ...history.map(({ atMs, label, by, reason }) => {
      return `  ${timeOf(atMs)}  ${label}${by === null ? "" : ` (${by})`}: ${reason}`;
    }),
    ...(waitsFor === null || waitsFor === "" ? [] : ["", `  Waits: ${waitsFor}`]),
    "",
    `  Way back: ${wayBack.text}`,
    ...(accepted.length === 0 ? [] : [`  Accepts: ${accepted.join(", ")}`]),
  ]
    .map(printable)
    .join("\n");
}

const EFFECTS_MAX = 10;

/** What was asked of fleet, edge and one-off work last, with the replies, oldest first. */
export function effectsText(
  { effects }: EffectList,
  deploy: Pick<DeploySummary, "outcome" | "startedMs">,
): string {
  if (effects.length === 0) return `  ${withoutEffectsText(deploy)}`;
  const last = effects.slice(-EFFECTS_MAX);
  const head =
    last.length < effects.length
      ? `  The last ${last.length} of ${effects.length} requests to fleet and edge:`
      : "  Requests to fleet and edge:";
  return [head, ...last.map(effectLine)].map(printable).join("\n");
}

const STATUS = { sent: "no reply yet", ok: "ok", failed: "failed" } as const;

function effectLine({ atMs, target, text, status, reply, tookMs }: EffectList["effects"][number]) {
  const took = tookMs === null ? "" : ` after ${Math.round(tookMs)} ms`;
  const said = reply === "" ? "" : `: ${reply.replaceAll("\n", "\n      ")}`;
  return `  ${timeOf(atMs)}  ${target}: ${text} — ${STATUS[status]}${took}${said}`;
}

export function workloadLine(view: WorkloadView): string {
  const { name, urls, problems, release, live, active, queue, freeze } = view;
  const now = active === null ? "" : `; ${active.release} ${active.label} (${active.id})`;
  const waiting = queue.length === 0 ? "" : `; ${queue.length} in the queue`;
  const frozen = freeze === null ? "" : `; ${freeze}`;
  const serves =
    release === null ? "was never deployed" : `serves ${release} (${live}) at ${urls.join(", ")}`;
  const away = problems.map((it) => `\n  ${it}`).join("");
  return printable(`${name} ${serves}${now}${waiting}${frozen}${away}`);
}
