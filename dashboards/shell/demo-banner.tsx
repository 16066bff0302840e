"use client";

import { useRef, useState } from "react";

import type { Problem } from "../api.ts";
import { asProblem, send } from "../client/fetch-json.ts";
import { Untrusted } from "../untrusted.tsx";

/** A banner on every page which marks simulated data and turns the demo off. */
export function DemoBanner({ onOff }: { onOff: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const turnOff = (): void => {
    setBusy(true);
    send("/api/demo", { method: "DELETE" })
      .then(
        () => onOff(),
        (error: unknown) => setProblem(asProblem(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <aside className="demo-banner" aria-label="Demo data">
      <span>
        <b>Demo data</b> · simulated visitors on a real web service on this machine
      </span>
      <button type="button" className="link" onClick={() => dialog.current?.showModal()}>
        Turn it off
      </button>
      <dialog ref={dialog} className="sheet narrow" aria-label="Turn the demo off">
        <h2>Turn the demo off?</h2>
        <p>
          The simulated service stops, and its events and everything in the five domain APIs are
          deleted. Your own logs are not touched.
        </p>
        {problem ? (
          <p role="alert">
            <Untrusted text={problem.detail ?? problem.title} />
          </p>
        ) : null}
        <div className="row">
          <button type="button" className="primary" onClick={turnOff} disabled={busy}>
            {busy ? "Deleting its data…" : "Turn it off"}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
        </div>
      </dialog>
    </aside>
  );
}
