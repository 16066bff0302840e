"use client";

import { type FormEvent, useState } from "react";

import { ChangeRefused } from "#dashboards/sources/change-refused.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";

import type { FreezeView } from "../messages.ts";
import { ReasonField } from "../reason-field.tsx";

/** Removes a freeze, with a reason. */
export function ThawForm({ freeze, onClose }: { freeze: FreezeView; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const change = useChange();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const url = `/api/freezes/${freeze.id}?${new URLSearchParams({ reason }).toString()}`;
    change.run({ method: "DELETE", url }, onClose);
  };
  return (
    <form className="deploy-form" onSubmit={submit}>
      <p>Deploys that wait because of it start.</p>
      <ReasonField value={reason} onValue={setReason} />
      <ChangeRefused change={change} />
      <div className="row">
        <button type="submit" className="primary" disabled={change.isBusy}>
          Remove it
        </button>
        <button type="button" onClick={onClose}>
          Keep it
        </button>
      </div>
    </form>
  );
}
