"use client";

import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { ChangeRefused } from "./change-refused.tsx";
import type { SourcesAnswer } from "./messages.ts";
import { useChange } from "./use-change.ts";

/** The paths that were named at start and are not read, with the way back. */
export function Excluded({ answer: { excluded, mayManage } }: { answer: SourcesAnswer }) {
  const change = useChange();
  if (excluded.length === 0) return null;
  return (
    <details className="sources-excluded">
      <summary>{formatExact(excluded.length)} not read</summary>
      <ul>
        {excluded.map((path) => (
          <li key={path}>
            <code>
              <Untrusted text={path} />
            </code>{" "}
            {mayManage ? (
              <button
                type="button"
                disabled={change.isBusy}
                onClick={() =>
                  change.run(
                    {
                      method: "PUT",
                      url: `/api/excluded-paths?source=${encodeURIComponent(path)}`,
                      body: { isExcluded: false },
                    },
                    () => undefined,
                  )
                }
              >
                Read it again
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      <ChangeRefused change={change} />
    </details>
  );
}
