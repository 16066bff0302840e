"use client";

import { useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, jsonBody, send } from "../client/fetch-json.ts";
import { RereadOutput } from "../sources/reread-result.tsx";
import { useReading } from "../sources/use-reading.ts";
import { Untrusted } from "../untrusted.tsx";
import type { FormatsAnswer } from "./messages.ts";

const SINCE = [
  { from: "now-1h", title: "of the last hour" },
  { from: "now-24h", title: "of the last day" },
  { from: "now-7d", title: "of the last week" },
  { from: "", title: "of any time" },
] as const;

type FormatRereadProps = {
  name: string;
  /** The format's files. */
  paths: readonly string[];
  reprocessing: FormatsAnswer["reprocessing"];
  /** Loads the state again. */
  reload: () => void;
};

/** Reads stored lines again in a saved format, and shows what they have become. */
export function FormatReread({ name, paths, reprocessing, reload }: FormatRereadProps) {
  const [from, setFrom] = useState<string>("now-24h");
  const [lines, setLines] = useState("quarantined");
  const [problem, setProblem] = useState<Problem>();
  const reading = useReading(reprocessing, reload);
  const start = async (): Promise<void> => {
    setProblem(undefined);
    try {
      const url = `/api/formats/${encodeURIComponent(name)}/reread`;
      await send(url, jsonBody("POST", { lines, ...(from !== "" && { from }) }));
      reading.started();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <fieldset className="formats-reread">
      <legend>Read stored lines again in this format</legend>
      <div className="row">
        <select
          aria-label="Which lines"
          value={lines}
          onChange={({ target }) => setLines(target.value)}
        >
          <option value="quarantined">Quarantined lines</option>
          {paths.length === 0 ? null : <option value="all">All lines of its files</option>}
        </select>
        <select
          aria-label="Of which time"
          value={from}
          onChange={({ target }) => setFrom(target.value)}
        >
          {SINCE.map((since) => (
            <option key={since.from} value={since.from}>
              {since.title}
            </option>
          ))}
        </select>
        <button type="button" disabled={reading.isRunning} onClick={() => void start()}>
          Read again
        </button>
      </div>
      <RereadOutput reading={reading} />
      {problem ? (
        <p className="form-error" role="alert">
          <Untrusted text={problem.detail ?? problem.title} />
        </p>
      ) : null}
    </fieldset>
  );
}
