import type { ReactElement } from "react";
import { ReferenceArea } from "recharts";

import type { Hole } from "../api.ts";

/** The pattern of `holeAreas`; it differs from that of predictions by its direction. */
export function HolePattern() {
  return (
    <defs>
      <pattern
        id="hole"
        width="6"
        height="6"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(-45)"
      >
        <line x1="0" y1="0" x2="0" y2="6" stroke="var(--error-mark)" strokeWidth="2" />
      </pattern>
    </defs>
  );
}

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
