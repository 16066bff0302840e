"use client";

import { useState } from "react";

import { formatAge, formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import type { SourceRow, SourcesAnswer } from "./messages.ts";

/** Whether events arrive from the watched source. */
export function Arrival({ answer, source }: { answer: SourcesAnswer; source: string }) {
  const row = answer.detail?.row.source === source ? answer.detail.row : undefined;
  return row ? <Watched key={source} row={row} answer={answer} /> : <Waiting />;
}

function Watched({ row, answer }: { row: SourceRow; answer: SourcesAnswer }) {
  const { arrivedMs, formats, quarantined } = row;
  // An event that arrives while the page waits is the first one.
  const [hasWaited] = useState(arrivedMs === null);
  const [firstMs, setFirstMs] = useState(arrivedMs);
  if (firstMs === null && arrivedMs !== null) setFirstMs(arrivedMs);
  if (arrivedMs === null) return <Waiting />;
  const shownMs = (hasWaited ? firstMs : null) ?? arrivedMs;
  return (
    <>
      <output className="live" data-status="live">
        <span className="dot" aria-hidden="true" />
        {hasWaited ? "First event " : "Last event "}
        {formatAge(Math.max(0, answer.atMs - shownMs))}
        {formats.length > 0 ? (
          <>
            , read as <Untrusted text={formats.join(", ")} />
          </>
        ) : null}
      </output>
      {quarantined > 0 ? (
        <p className="quiet">{formatExact(quarantined)} lines are in quarantine.</p>
      ) : null}
    </>
  );
}

const Waiting = () => (
  <output className="live" data-status="connecting">
    <span className="dot" aria-hidden="true" />
    Listening … no event yet
  </output>
);
