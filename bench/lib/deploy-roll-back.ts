import type { DeployDetail, EffectList } from "#dashboards/deploys/messages.ts";
import { rollBackMsOf } from "#dashboards/deploys/roll-back-time.ts";

/** One roll-back, in ms. Each part begins where the one before ends. */
export type RollBack = {
  /** The state in which the person decided. */
  from: string;
  /** From the command until the decision was made, which is durable before anything is sent. */
  decidedMs: number;
  /** Until the last node was sent the first part of its way back. */
  sentMs: number;
  /** Until the last node had taken the last part. */
  appliedMs: number;
  /** Until it was read from all nodes. */
  readMs: number;
  /** How many configurations the node with the most of them got. */
  rounds: number;
  /** From the decision until all nodes sent all requests to the old release. */
  ms: number;
};

/** Undefined if it was not rolled back. */
export function rollBackOf(
  detail: DeployDetail,
  effects: EffectList["effects"],
  askedMs: number,
): RollBack | undefined {
  const ms = rollBackMsOf(detail);
  const at = detail.history.findIndex(({ state }) => state === "reverting");
  const decision = detail.history[at];
  if (ms === undefined || decision === undefined) return undefined;
  const endMs = decision.atMs + ms;
  const applied = effects.filter(
    ({ kind, atMs, tookMs }) =>
      kind === "edge.apply" && atMs >= decision.atMs && tookMs !== null && atMs + tookMs <= endMs,
  );
  const nodes = Map.groupBy(applied, ({ target }) => target);
  const firstMs = [...nodes.values()].map((sent) => Math.min(...sent.map(({ atMs }) => atMs)));
  const sentAtMs = Math.max(decision.atMs, ...firstMs);
  const ends = applied.map(({ atMs, tookMs }) => atMs + (tookMs ?? 0));
  const appliedAtMs = Math.max(sentAtMs, ...ends);
  return {
    from: detail.history[at - 1]?.state ?? "",
    decidedMs: decision.atMs - askedMs,
    sentMs: sentAtMs - decision.atMs,
    appliedMs: appliedAtMs - sentAtMs,
    readMs: endMs - appliedAtMs,
    rounds: Math.max(0, ...[...nodes.values()].map(({ length }) => length)),
    ms,
  };
}
