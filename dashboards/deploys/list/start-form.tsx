"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";

import type { Problem } from "#dashboards/api.ts";
import { fetchJson, jsonBody, asProblem } from "#dashboards/client/fetch-json.ts";
import { useNavigate } from "#dashboards/client/url-state.ts";
import { useChange } from "#dashboards/sources/use-change.ts";

import { DeploySummary, PlanAnswer } from "../messages.ts";
import { RestRefused } from "../rest-refused.tsx";
import { newKey } from "./new-key.ts";
import { PlanView } from "./plan-view.tsx";
import { FIELDS, StartFields } from "./start-fields.tsx";
import { requestOf, type StartValues } from "./start-request.ts";

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
  const plan = usePlan();
  const start = useStart();
  const problem = start.problem ?? plan.problem;
  const onValues = (changed: Partial<StartValues>): void => {
    setValues({ ...values, ...changed });
    if (Object.keys(changed).some((name) => name !== "reason")) plan.discard();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (plan.shown) start.run(values, plan.shown);
    else void plan.ask(values);
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
        {plan.shown ? <PlanView answer={plan.shown.answer} /> : null}
        <RestRefused problem={problem} fields={FIELDS} />
        <div className="row">
          <button type="submit" className="primary" disabled={plan.isBusy || start.isBusy}>
            {plan.shown ? `Deploy ${plan.shown.answer.plan.release}` : "Show the plan"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </section>
  );
}

/** A plan that is shown, and the key with which repetitions of its start are one deploy. */
type ShownPlan = { answer: PlanAnswer; key: string };

function usePlan() {
  const [shown, setShown] = useState<ShownPlan>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  return {
    shown,
    problem,
    isBusy,
    discard: () => setShown(undefined),
    async ask(values: StartValues): Promise<void> {
      setBusy(true);
      setProblem(undefined);
      try {
        const request = jsonBody("POST", requestOf(values));
        const answer = await fetchJson(PlanAnswer, "/api/deploys/plan", request);
        setShown({ answer, key: newKey() });
      } catch (error) {
        setProblem(asProblem(error));
      }
      setBusy(false);
    },
  };
}

function useStart() {
  const change = useChange();
  const navigate = useNavigate();
  return {
    problem: change.problem,
    isBusy: change.isBusy,
    run(values: StartValues, { answer, key }: ShownPlan): void {
      const { reason } = values;
      const body = { ...requestOf(values), planHash: answer.hash, reason };
      const headers = { "idempotency-key": key };
      change.run({ method: "POST", url: "/api/deploys", body, headers }, async (response) => {
        const { id } = DeploySummary.parse(await response.json());
        navigate(`/deploys/${id}`);
      });
    },
  };
}
