"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";

import { ChangeRefused } from "#dashboards/sources/change-refused.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { DeploySummary } from "../messages.ts";
import { ReasonField } from "../reason-field.tsx";
import { COMMAND_WORDS, type CommandKind } from "../words.ts";

type DialogProps = { kind: CommandKind; deploy: DeploySummary; onClose: () => void };

/** Usual reasons, because typing takes long on a phone. */
const USUAL: Partial<Record<CommandKind, readonly string[]>> = {
  "roll-back": ["errors", "slow answers", "complaints"],
  abort: ["errors", "wrong release", "bad moment"],
};

/** Asks for the reason of a command, and gives it. */
export function CommandDialog({ kind, deploy, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState("");
  /** Whoever forces takes responsibility for the state that was shown. */
  const [version] = useState(deploy.version);
  const change = useChange();
  useEffect(() => dialog.current?.showModal(), []);
  const { label, does } = COMMAND_WORDS[kind];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const headers = kind === "force" ? { "if-match": `"${version}"` } : {};
    const url = `/api/deploys/${deploy.id}/commands`;
    change.run({ method: "POST", url, body: { kind, reason }, headers }, onClose);
  };
  return (
    <dialog ref={dialog} className="command" aria-label={label} onClose={onClose}>
      <form onSubmit={submit}>
        <h2>
          {label}: <Untrusted text={`${deploy.workload} ${deploy.release}`} charactersMax={80} />
        </h2>
        <p>{does}</p>
        <ReasonField value={reason} usual={USUAL[kind]} onValue={setReason} />
        <ChangeRefused change={change} />
        <div className="row">
          <button type="submit" className="primary" disabled={change.isBusy}>
            {label}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
