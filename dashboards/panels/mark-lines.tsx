import type { ReactElement } from "react";
import { ReferenceLine } from "recharts";

import type { DeployMark } from "./deploy-marks.ts";

/** The deploys of a chart as vertical lines; the list above the charts says what each letter is. */
export const markLines = (
  marks: readonly DeployMark[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): ReactElement[] =>
  marks
    .filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    .map(({ letter, atMs, kind }) => (
      <ReferenceLine
        key={letter}
        className="deploy-mark"
        x={atMs}
        stroke={kind === "succeeded" || kind === "begins" ? "var(--ink-2)" : "var(--error-mark)"}
        strokeDasharray={kind === "begins" ? "1 3" : "4 2"}
        label={{ value: letter, position: "insideTopLeft", fontSize: 10, fill: "var(--ink-2)" }}
      />
    ));
