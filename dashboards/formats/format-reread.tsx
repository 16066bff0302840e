"use client";

import { useEffect, useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";
import type { FormatsAnswer } from "./messages.ts";

const SINCE = [
  { from: "now-1h", title: "of the last hour" },
  { from: "now-24h", title: "of the last day" },
  { from: "now-7d", title: "of the last week" },
  { from: "", title: "of any time" },
] as const;
const POLL_MS = 500;

const grouped = new Intl.NumberFormat("en");

type FormatRereadProps = {
  name: string;
  reprocessing: FormatsAnswer["reprocessing"];
  /** Loads the state again. */
  reload: () => void;
};

/** Reads quarantined lines again in a saved format, and shows what they have become. */
export function FormatReread({ name, reprocessing, reload }: FormatRereadProps) {
  const [from, setFrom] = useState<string>("now-24h");
  const [problem, setProblem] = useState<Problem>();
  /** When the one before had ended; undefined until a person has started one. */
  const [before, setBefore] = useState<number>();
  const { isRunning, last } = reprocessing;
  const waits = before !== undefined && (isRunning || (last?.endedMs ?? 0) === before);
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [waits, reload]);
  const start = async (): Promise<void> => {
    setProblem(undefined);
    try {
      const url = `/api/formats/${encodeURIComponent(name)}/reread`;
      await send(url, jsonBody("POST", from === "" ? {} : { from }));
      setBefore(last?.endedMs ?? 0);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <div className="formats-reread">
      <label htmlFor="format-since">Read quarantined lines again</label>
      <div className="row">
        <select id="format-since" value={from} onChange={({ target }) => setFrom(target.value)}>
          {SINCE.map((since) => (
            <option key={since.from} value={since.from}>
              {since.title}
            </option>
          ))}
        </select>
        <button type="button" disabled={waits} onClick={() => void start()}>
          Read again
        </button>
      </div>
      <output>
        {waits ? "Reading the lines again…" : null}
        {problem ? <Untrusted text={problem.detail ?? problem.title} /> : null}
        {before !== undefined && !waits && last ? <Outcome last={last} /> : null}
      </output>
    </div>
  );
}

const Outcome = ({
  last: { lines, events, problem },
}: {
  last: NonNullable<FormatsAnswer["reprocessing"]["last"]>;
}) =>
  problem === null ? (
    `${grouped.format(events)} of ${grouped.format(lines)} quarantined lines are events now`
  ) : (
    <Untrusted text={problem} />
  );
