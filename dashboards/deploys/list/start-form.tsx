"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";

import { RestRefused } from "../rest-refused.tsx";
import { PlanView } from "./plan-view.tsx";
import { FIELDS, StartFields } from "./start-fields.tsx";
import type { StartValues } from "./start-request.ts";
import { useStartFlow } from "./use-start-flow.ts";

type StartProps = {
  /** Those that the member may deploy. */
  workloads: readonly string[];
  /** What the form begins with; empty: nothing. */
  workload: string;
  release: string;
  onClose: () => void;
};

/** Starts a deploy: first the plan is shown, then exactly this plan is started. */
export function StartForm({ workloads, workload, release, onClose }: StartProps) {
  const [first = ""] = workloads;
  const [values, setValues] = useState<StartValues>({
    workload: workloads.includes(workload) ? workload : first,
    release,
    kind: "",
    count: "",
    expand: false,
    contract: false,
    reason: "",
  });
  const section = useRef<HTMLElement>(null);
  // It opens above the list, which may be scrolled.
  useEffect(() => section.current?.querySelector("input")?.focus(), []);
  const { shown, problem, isBusy, onChange, goOn } = useStartFlow();
  const onValues = (changed: Partial<StartValues>): void => {
    setValues({ ...values, ...changed });
    if (Object.keys(changed).some((name) => name !== "reason")) onChange();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    goOn(values);
  };
  return (
    <section ref={section} className="deploy-form" aria-label="Start a deploy">
      <header>
        <h2>Start a deploy</h2>
        <button type="button" className="icon" aria-label="Close the form" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      <form onSubmit={submit}>
        <StartFields workloads={workloads} values={values} problem={problem} onValues={onValues} />
        {shown ? <PlanView answer={shown.answer} /> : null}
        <RestRefused problem={problem} fields={FIELDS} />
        <div className="row">
          <button type="submit" className="primary" disabled={isBusy}>
            {shown ? `Deploy ${shown.answer.plan.release}` : "Show the plan"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </section>
  );
}
