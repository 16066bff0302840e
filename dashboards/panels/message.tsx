import type { ReactNode } from "react";

import type { Problem } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";

/** An empty state: the reason, and what to do. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="message">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}

/** An error state: the server's problem details, and a retry. */
export function Failed({ problem, retry }: { problem: Problem; retry: () => void }) {
  return (
    <div className="message" role="alert">
      <h2>
        <Untrusted text={problem.title} />
      </h2>
      {problem.detail ? (
        <p>
          <Untrusted text={problem.detail} />
        </p>
      ) : null}
      {problem.instance ? (
        <p className="quiet">
          Reference: <code>{problem.instance}</code>
        </p>
      ) : null}
      <button type="button" onClick={retry}>
        Retry
      </button>
    </div>
  );
}

/** A loading skeleton. */
export function Skeleton({ tiles }: { tiles: readonly string[] }) {
  return (
    <div className="board" aria-busy="true" aria-label="Loading the board">
      {tiles.map((name) => (
        <div key={name} className="tile skeleton" style={{ gridArea: name }} />
      ))}
    </div>
  );
}
