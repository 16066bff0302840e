import type { ReactElement } from "react";
import { ReferenceArea } from "recharts";

import type { Hole } from "../api.ts";
import { HatchPattern } from "./hatch-pattern.tsx";

/** The pattern of `holeAreas`. */
export const HolePattern = () => (
  <HatchPattern id="hole" gap={6} angle={-45} color="var(--error-mark)" width={2} />
);

/** Ranges of a chart whose events cannot be read, so that missing numbers do not look like zero. */
export function holeAreas(
  holes: readonly Hole[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): ReactElement[] {
  const shown = holes.filter((hole) => hole.fromMs < toMs && hole.toMs > fromMs);
  return shown.map((hole) => (
    <ReferenceArea
      key={`${hole.dataset ?? ""} ${hole.fromMs} ${hole.toMs}`}
      className="hole"
      x1={Math.max(hole.fromMs, fromMs)}
      x2={Math.min(hole.toMs, toMs)}
      fill="url(#hole)"
      fillOpacity={0.55}
      stroke="var(--error-mark)"
      strokeOpacity={0.7}
      strokeDasharray="3 3"
    />
  ));
}
