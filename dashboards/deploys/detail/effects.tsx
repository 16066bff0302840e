import { formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import type { DeploySummary, EffectList } from "../messages.ts";
import { withoutEffectsText } from "../words.ts";

type Effect = EffectList["effects"][number];
type EffectsProps = {
  deploy: Pick<DeploySummary, "startedMs" | "outcome">;
  effects: readonly Effect[];
  nowMs: number | undefined;
};

const STATUS: Record<Effect["status"], { shape: string; word: string }> = {
  sent: { shape: "…", word: "no reply yet" },
  ok: { shape: "✓", word: "ok" },
  failed: { shape: "✕", word: "failed" },
};

/** What was asked of fleet, edge and one-off work, with the replies; newest first. */
export function Effects({ deploy, effects, nowMs }: EffectsProps) {
  if (effects.length === 0) {
    return <p className="quiet">{withoutEffectsText(deploy)}</p>;
  }
  return (
    <table className="cards">
      <caption className="visually-hidden">Effects, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Sent</th>
          <th scope="col">To</th>
          <th scope="col">Asked for</th>
          <th scope="col">Answer</th>
          <th scope="col" className="num">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {effects.toReversed().map((effect) => (
          <EffectRow key={effect.id} effect={effect} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

/** As it was sent, for whoever compares it with the node itself. */
const Exactly = ({ text }: { text: string }) => (
  <details className="exactly">
    <summary className="quiet">Exactly</summary>
    {text.split("\n").map((line) => (
      <code key={line}>
        <Untrusted text={line} charactersMax={10_000} />
      </code>
    ))}
  </details>
);

function EffectRow({ effect, nowMs }: { effect: Effect; nowMs: number | undefined }) {
  const { atMs, target, text, exact, status, reply, tookMs } = effect;
  const { shape, word } = STATUS[status];
  return (
    <tr>
      <td data-label="Sent">
        <Ago atMs={atMs} nowMs={nowMs} />
      </td>
      <th scope="row" data-label="To">
        <Untrusted text={target} charactersMax={60} />
      </th>
      <td data-label="Asked for">
        <Untrusted text={text} charactersMax={300} />
        {exact === "" ? null : <Exactly text={exact} />}
      </td>
      <td data-label="Answer">
        <span className={status === "failed" ? "error-text" : undefined}>
          {shape} {word}
        </span>{" "}
        <span className="quiet">
          <Untrusted text={reply} charactersMax={300} expandable />
        </span>
      </td>
      <td data-label="Took" className="num">
        {formatQuantity(tookMs, "ms")}
      </td>
    </tr>
  );
}
