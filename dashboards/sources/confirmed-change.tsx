"use client";

import { useState } from "react";

import { ChangeRefused } from "./change-refused.tsx";
import { type Change, useChange } from "./use-change.ts";

type ConfirmedChangeProps = {
  /** What the button says. */
  label: string;
  /** What follows from it, shown before it is confirmed. */
  consequence: string;
  request: Parameters<Change["run"]>[0];
  onDone: () => void;
};

/** A change that is made when it is confirmed. */
export function ConfirmedChange({ label, consequence, request, onDone }: ConfirmedChangeProps) {
  const change = useChange();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      {isAsking ? (
        <p role="alert">
          {consequence}{" "}
          <button
            type="button"
            className="primary"
            disabled={change.isBusy}
            onClick={() => change.run(request, onDone)}
          >
            {label}
          </button>{" "}
          <button type="button" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </p>
      ) : (
        <button type="button" onClick={() => setAsking(true)}>
          {label} …
        </button>
      )}
      <ChangeRefused change={change} />
    </>
  );
}
