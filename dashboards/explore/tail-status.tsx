"use client";

import { formatExact } from "../format.ts";
import type { Tail } from "./use-tail.ts";

/** The live tail's status, and the button to resume it. */
export function TailStatus({ tail, onResume }: { tail: Tail; onResume: () => void }) {
  const { status, paused, waiting, skipped } = tail;
  if (paused) {
    return (
      <div className="tail">
        <button type="button" className="pill" onClick={onResume} data-testid="resume-live">
          Resume live ({formatExact(waiting)} new)
        </button>
      </div>
    );
  }
  return (
    <div className="tail">
      <span className="live" data-status={status} data-testid="tail-status">
        <span className="dot" aria-hidden="true" />
        {WORDS[status]}
      </span>
      {skipped > 0 ? (
        <span className="quiet">{formatExact(skipped)} not shown: too many to read</span>
      ) : null}
      <button type="button" className="link" onClick={tail.pause}>
        Pause
      </button>
    </div>
  );
}

const WORDS: Record<Tail["status"], string> = {
  live: "Live tail",
  connecting: "Connecting…",
  lost: "Connection lost, retrying",
  off: "Not live",
};
