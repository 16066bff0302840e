"use client";

import { Labelled } from "../sources/form-field.tsx";

type ReasonProps = {
  value: string;
  /** Reasons that can be chosen instead of typed. */
  usual?: readonly string[] | undefined;
  error?: string | undefined;
  onValue: (reason: string) => void;
};

/** The reason that every change of a deploy needs. */
export function ReasonField({ value, usual, error, onValue }: ReasonProps) {
  return (
    <>
      <Labelled title="Reason" help="It is kept in the history and in the audit log." error={error}>
        {(attributes) => (
          <input
            {...attributes}
            value={value}
            required
            maxLength={1_000}
            autoComplete="off"
            onChange={({ target }) => onValue(target.value)}
          />
        )}
      </Labelled>
      {usual ? (
        <div className="row usual-reasons">
          {usual.map((it) => (
            <button key={it} type="button" onClick={() => onValue(it)}>
              {it}
            </button>
          ))}
        </div>
      ) : null}
    </>
  );
}
