"use client";

import { useEffect } from "react";

import type { Board } from "../api.ts";
import { Untrusted } from "../untrusted.tsx";
import { Empty } from "./message.tsx";

const RELOAD_MS = 2_000;

type NoDataProps = { board: Pick<Board, "waitingFor">; reload: () => void };

/** Shown until the first event: what is followed, or how to follow a log. Then the board appears by itself. */
export function NoData({ board: { waitingFor }, reload }: NoDataProps) {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (waitingFor.length > 0) {
    return (
      <Empty title="Waiting for the first event">
        <ul className="waiting">
          {waitingFor.map(({ path, message }) => (
            <li key={path}>
              <code>
                <Untrusted text={path} />
              </code>{" "}
              <Untrusted text={message} />
            </li>
          ))}
        </ul>
        <p className="quiet">The board appears here as soon as a line is written.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No events yet">
      <p>No logs have been read yet. Tail a log file, or ingest existing files:</p>
      <pre>
        npm start -- /var/log/nginx/*.log{"\n"}npx quarterdeck ingest access.log access.log.1.gz
      </pre>
      <p className="quiet">The board appears here with the first event.</p>
    </Empty>
  );
}
