import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import type { DeployDetail } from "../messages.ts";

type HistoryProps = { history: DeployDetail["history"]; nowMs: number | undefined };

/** What happened, newest first. */
export function History({ history, nowMs }: HistoryProps) {
  return (
    <ol className="history" aria-label="History, newest first">
      {history.toReversed().map(({ atMs, state, label, by, reason }) => (
        <li key={`${atMs} ${state} ${reason}`}>
          <Ago atMs={atMs} nowMs={nowMs} />
          <div>
            <b>It {label}</b>
            {by === null ? null : (
              <>
                {" "}
                by <Untrusted text={by} charactersMax={100} />
              </>
            )}
            <p>
              <Untrusted text={reason} charactersMax={600} expandable />
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
