import type { ReactNode } from "react";

import type { Problem } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";

/** Why something is empty, and what to do about it. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="message">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}

/** What went wrong, in the server's words, and the way to try again. */
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

/** The shape of what is coming, while it is on its way. */
export function Skeleton({ tiles }: { tiles: readonly string[] }) {
  return (
    <div className="board" aria-busy="true" aria-label="Loading the board">
      {tiles.map((name) => (
        <div key={name} className="tile skeleton" style={{ gridArea: name }} />
      ))}
    </div>
  );
}
