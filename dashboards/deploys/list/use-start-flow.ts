"use client";

import { useReducer } from "react";

import { asProblem, fetchJson, jsonBody, send } from "#dashboards/client/fetch-json.ts";
import { useNavigate } from "#dashboards/client/url-state.ts";

import { DeploySummary, PlanAnswer } from "../messages.ts";
import { newKey } from "./new-key.ts";
import { afterStep, NO_PLAN, type ShownPlan } from "./start-flow.ts";
import { requestOf, type StartValues } from "./start-request.ts";

/** Asks for plans and starts the one that is shown. */
export function useStartFlow() {
  const [flow, dispatch] = useReducer(afterStep, NO_PLAN);
  const navigate = useNavigate();
  const plan = async (values: StartValues): Promise<void> => {
    const key = newKey();
    dispatch({ kind: "ask", key });
    try {
      const request = jsonBody("POST", requestOf(values));
      const answer = await fetchJson(PlanAnswer, "/api/deploys/plan", request);
      dispatch({ kind: "planned", answer, key });
    } catch (error) {
      dispatch({ kind: "not-planned", key, problem: asProblem(error) });
    }
  };
  const start = async (values: StartValues, { answer, key }: ShownPlan): Promise<void> => {
    dispatch({ kind: "start" });
    try {
      const body = { ...requestOf(values), planHash: answer.hash, reason: values.reason };
      const headers = { "content-type": "application/json", "idempotency-key": key };
      const init = { ...jsonBody("POST", body), headers };
      const { id } = DeploySummary.parse(await (await send("/api/deploys", init)).json());
      navigate(`/deploys/${id}`);
    } catch (error) {
      dispatch({ kind: "not-started", problem: asProblem(error) });
    }
  };
  return {
    shown: flow.shown,
    problem: flow.problem,
    isBusy: flow.asked !== undefined || flow.isStarting,
    /** The values are others now than those of the plan. */
    onChange: () => dispatch({ kind: "change" }),
    /** Starts the plan that is shown; without one, asks for it. */
    goOn: (values: StartValues) => void (flow.shown ? start(values, flow.shown) : plan(values)),
  };
}
