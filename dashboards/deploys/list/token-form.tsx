"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";

import { Labelled } from "#dashboards/sources/form-field.tsx";
import { useChange } from "#dashboards/sources/use-change.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Acts } from "../live-messages.ts";
import { errorOf } from "../problem-fields.ts";
import { RestRefused } from "../rest-refused.tsx";
import { NewDeployToken } from "../token-messages.ts";

type Act = Acts[number];

type FormProps = {
  workloads: readonly string[];
  usualActs: readonly Act[];
  onClose: () => void;
  onMade: (made: NewDeployToken) => void;
};

const FIELDS = ["name", "workloads", "acts"];

const ACT_WORDS: Readonly<Record<Act, string>> = {
  see: "see deploys",
  start: "start deploys",
  pause: "pause",
  resume: "resume",
  abort: "abort",
  "roll-back": "roll back",
  hold: "hold",
  force: "force: skip freezes and checks",
  freeze: "add and remove freezes",
  "configure-edge": "change the configuration of the edge (with all workloads only)",
  ban: "remove responses from caches",
};
const ALL_ACTS = Acts.element.options.toSorted(
  (a, b) => Object.keys(ACT_WORDS).indexOf(a) - Object.keys(ACT_WORDS).indexOf(b),
);

const ALL_WORKLOADS = "All, also later ones";

/** `*` stands for all. */
const namesOf = (chosen: ReadonlySet<string>): string[] => (chosen.has("*") ? ["*"] : [...chosen]);

/** Makes a token for workloads and acts. */
export function TokenForm({ workloads, usualActs, onClose, onMade }: FormProps) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [acts, setActs] = useState<ReadonlySet<Act>>(new Set(usualActs));
  const change = useChange();
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = { name: name.trim(), workloads: namesOf(chosen), acts: [...acts] };
    change.run({ method: "POST", url: "/api/deploy-tokens", body }, async (response) =>
      onMade(NewDeployToken.parse(await response.json())),
    );
  };
  const choose =
    (workload: string) =>
    (isOn: boolean): void =>
      setChosen(withMember(chosen, workload, isOn));
  const { problem, isBusy } = change;
  return (
    <form ref={form} className="deploy-form" aria-label="Make a token" onSubmit={submit}>
      <div className="deploy-fields">
        <Name value={name} error={errorOf(problem, "name")} onValue={setName} />
        <Choices legend="Workloads" error={errorOf(problem, "workloads")}>
          <Check label={ALL_WORKLOADS} isOn={chosen.has("*")} onValue={choose("*")} />
          {workloads.map((workload) => (
            <Check
              key={workload}
              label={workload}
              isOn={chosen.has("*") || chosen.has(workload)}
              isFixed={chosen.has("*")}
              onValue={choose(workload)}
            />
          ))}
        </Choices>
        <Choices legend="It may" error={errorOf(problem, "acts")}>
          {ALL_ACTS.map((act) => (
            <Check
              key={act}
              label={ACT_WORDS[act]}
              isOn={acts.has(act)}
              onValue={(isOn) => setActs(withMember(acts, act, isOn))}
            />
          ))}
        </Choices>
      </div>
      <RestRefused problem={problem} fields={FIELDS} />
      <div className="row">
        <button type="submit" className="primary" disabled={isBusy}>
          Make it
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

type NameProps = { value: string; error: string | undefined; onValue: (value: string) => void };

const Name = ({ value, error, onValue }: NameProps) => (
  <Labelled title="Name" help="The history of deploys names it, such as gitlab." error={error}>
    {(attributes) => (
      <input
        {...attributes}
        value={value}
        required
        maxLength={80}
        autoComplete="off"
        onChange={({ target }) => onValue(target.value)}
      />
    )}
  </Labelled>
);

type ChoicesProps = { legend: string; error: string | undefined; children: React.ReactNode };

const Choices = ({ legend, error, children }: ChoicesProps) => (
  <fieldset>
    <legend>{legend}</legend>
    {children}
    {error === undefined ? null : (
      <p className="field-error" role="alert">
        <Untrusted text={error} />
      </p>
    )}
  </fieldset>
);

type CheckProps = {
  label: string;
  isOn: boolean;
  isFixed?: boolean;
  onValue: (isOn: boolean) => void;
};

const Check = ({ label, isOn, isFixed = false, onValue }: CheckProps) => (
  <label className="check">
    <input
      type="checkbox"
      checked={isOn}
      disabled={isFixed}
      onChange={({ target }) => onValue(target.checked)}
    />{" "}
    {label}
  </label>
);

/** The set with or without a member. */
function withMember<Value>(
  set: ReadonlySet<Value>,
  value: Value,
  isMember: boolean,
): ReadonlySet<Value> {
  const next = new Set(set);
  if (isMember) next.add(value);
  else next.delete(value);
  return next;
}
