import type { DeployDetail, EffectList } from "#dashboards/deploys/messages.ts";
import { rollBackMsOf } from "#dashboards/deploys/roll-back-time.ts";

/** One roll-back, in ms. */
export type RollBack = {
  /** The state in which the person decided, or the machine. */
  from: string;
  /** From the command until the decision is made, which is durable before anything is sent. */
  decidedMs: number;
  /** From the decision until the last node is sent the old route. */
  sentMs: number;
  /** From then until the last node has taken it, and has read it back from its HAProxy. */
  appliedMs: number;
  /** From the decision until all nodes send all requests to the old release: the sum of both. */
  ms: number;
  /** From the decision until all nodes were read without a change in between; then the new tasks are drained. */
  confirmedMs: number;
};

/** Undefined if it was not rolled back. */
export function rollBackOf(
  detail: DeployDetail,
  effects: EffectList["effects"],
  askedMs: number,
): RollBack | undefined {
  const confirmedMs = rollBackMsOf(detail);
  const at = detail.history.findIndex(({ state }) => state === "reverting");
  const decision = detail.history[at];
  if (confirmedMs === undefined || decision === undefined) return undefined;
  const isBack = `${detail.plan.oldColour} 100 %`;
  const applied = effects.filter(
    ({ kind, status, atMs, text }) =>
      kind === "edge.apply" && status === "ok" && atMs >= decision.atMs && text.includes(isBack),
  );
  // The first one of each node; what follows changes slots only.
  const firsts = [...Map.groupBy(applied, ({ target }) => target).values()].map(([it]) => it);
  const sentAtMs = Math.max(decision.atMs, ...firsts.map((it) => it?.atMs ?? 0));
  const ends = firsts.map((it) => (it?.atMs ?? 0) + (it?.tookMs ?? 0));
  const backAtMs = Math.max(sentAtMs, ...ends);
  return {
    from: detail.history[at - 1]?.state ?? "",
    decidedMs: decision.atMs - askedMs,
    sentMs: sentAtMs - decision.atMs,
    appliedMs: backAtMs - sentAtMs,
    ms: backAtMs - decision.atMs,
    confirmedMs,
  };
}
