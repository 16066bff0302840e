import { formatQuantity } from "#dashboards/format.ts";

import type { Pages } from "../live-messages.ts";
import { shareText } from "../words.ts";

const ms = (value: number): string => formatQuantity(value, "ms");

/** The plan that the deploy follows. */
export function PlanOfDeploy({ detail: { plan, planHash } }: { detail: Pages["deploy"] }) {
  const { strategy, stepsBp, count, migrations } = plan;
  const rows = [
    ["Strategy", strategy.kind],
    ["Tasks", String(count)],
    ["Steps of traffic", stepsBp.map(shareText).join(", ")],
    ["Observed in each step", `${ms(strategy.analyseMs)} to ${ms(strategy.analyseMsMax)}`],
    ["Requests needed in each step", String(strategy.requestsMin)],
    ["If the observation is inconclusive", strategy.onInconclusive],
    ["At full traffic", ms(strategy.bakeMs)],
    ["Open requests get", ms(strategy.drainMs)],
    ["Warm-up", strategy.warmUp ? "yes" : "no"],
    ["Expand migration", migrations.expand ? "yes" : "no"],
    [
      "Contract migration",
      migrations.contract ? `${ms(strategy.contractAfterMs)} after the old tasks ended` : "no",
    ],
    ["Hash", planHash],
  ] as const;
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
