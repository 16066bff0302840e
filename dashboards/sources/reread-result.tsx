"use client";

import { useEffect, useRef } from "react";

import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import type { Reprocessing } from "./reprocessing-messages.ts";
import type { Reading } from "./use-reading.ts";

/** How far the reading of stored lines again is, and what they have become. */
export function RereadOutput({ reading: { isRunning, progress, result } }: { reading: Reading }) {
  const output = useRef<HTMLOutputElement>(null);
  // It is at the end of a panel that may be scrolled.
  useEffect(() => {
    if (result) output.current?.scrollIntoView({ block: "nearest" });
  }, [result]);
  return (
    <output className="reread-output" ref={output}>
      {isRunning ? <Progress progress={progress} /> : null}
      {result ? <Result last={result} /> : null}
    </output>
  );
}

function Progress({ progress }: Pick<Reprocessing, "progress">) {
  if (progress === null || progress.total === 0) return <p>Reading them again …</p>;
  const { done, total } = progress;
  return (
    <p>
      Reading them again: {Math.floor((100 * done) / total)} %{" "}
      <progress
        value={done}
        max={total}
        aria-label={`${formatExact(done)} of ${formatExact(total)} stored events are examined`}
      />
    </p>
  );
}

function Result({ last }: { last: NonNullable<Reprocessing["last"]> }) {
  const { lines, events, left, problem } = last;
  if (problem !== null) {
    return (
      <p className="form-error">
        They could not be read again: <Untrusted text={problem} charactersMax={1_000} />
      </p>
    );
  }
  const kept = left.reduce((sum, of) => sum + of.events, 0);
  return (
    <>
      <p>
        Of {formatExact(lines)} stored events <b>{formatExact(events)}</b> are other events now, and{" "}
        {formatExact(lines - events - kept)} are the same as before.
      </p>
      {left.map(({ reason, events: count }) => (
        <p key={reason}>
          {formatExact(count)} {count === 1 ? "is" : "are"} left as before:{" "}
          <Untrusted text={reason} />.
        </p>
      ))}
    </>
  );
}
