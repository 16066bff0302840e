"use client";

import { type FormEvent, useState } from "react";

import { Labelled } from "#dashboards/sources/form-field.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";

import { BanAnswer } from "../edge-messages.ts";
import { errorOf } from "../problem-fields.ts";
import { ReasonField } from "../reason-field.tsx";
import { RestRefused } from "../rest-refused.tsx";

const FIELDS = {
  tag: [["tag", "Tag", "Responses name theirs in the header Cache-Tag."]],
  url: [
    ["host", "Host", "As clients send it, with the port if there is one."],
    ["url", "URL", "Path and query, such as /products?page=2."],
  ],
  release: [
    ["workload", "Workload", "Such as billing."],
    ["release", "Release", "Such as r2."],
  ],
} as const;
type Kind = keyof typeof FIELDS;
const KINDS: Record<Kind, string> = { tag: "with a tag", url: "of a URL", release: "of a release" };

/** Removes responses from all caches, with a reason. */
export function BanForm({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<Kind>("tag");
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [reason, setReason] = useState("");
  const [done, setDone] = useState("");
  const change = useChange();
  const fields = FIELDS[kind];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setDone("");
    const given = Object.fromEntries(fields.map(([name]) => [name, values[name] ?? ""]));
    const body = { kind, ...given, reason };
    change.run({ method: "POST", url: "/api/edge/bans", body }, async (answer) => {
      const { nodes } = BanAnswer.parse(await answer.json());
      setDone(`✓ Removed from ${nodes.join(" and ")}.`);
    });
  };
  return (
    <form className="deploy-form" aria-label="Remove responses" onSubmit={submit}>
      <div className="deploy-fields">
        <KindField kind={kind} onKind={setKind} />
        {fields.map(([name, title, help]) => (
          <Labelled key={name} title={title} help={help} error={errorOf(change.problem, name)}>
            {(attributes) => (
              <input
                {...attributes}
                value={values[name] ?? ""}
                required
                autoComplete="off"
                onChange={({ target }) => setValues({ ...values, [name]: target.value })}
              />
            )}
          </Labelled>
        ))}
      </div>
      <ReasonField value={reason} error={errorOf(change.problem, "reason")} onValue={setReason} />
      <RestRefused problem={change.problem} fields={[...fields.map(([name]) => name), "reason"]} />
      <output>{done}</output>
      <div className="row">
        <button type="submit" className="primary" disabled={change.isBusy}>
          Remove them
        </button>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </form>
  );
}

function KindField({ kind, onKind }: { kind: Kind; onKind: (kind: Kind) => void }) {
  return (
    <Labelled title="Responses" help="They are removed from all caches." error={undefined}>
      {(attributes) => (
        <select
          {...attributes}
          value={kind}
          onChange={({ target }) => {
            const found = Object.entries(KINDS).find(([it]) => it === target.value);
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of KINDS
            if (found) onKind(found[0] as Kind);
          }}
        >
          {Object.entries(KINDS).map(([it, title]) => (
            <option key={it} value={it}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}
