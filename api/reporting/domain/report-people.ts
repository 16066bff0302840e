import type { z } from "zod";

import { hourly, stepped } from "./params.ts";
import {
  type ResolvedRequest,
  PERIOD,
  type ReportSpec,
  count,
  integerOf,
  periodOf,
  textOf,
} from "./report.ts";

const SignUpsParams = stepped({});
export type SignUpsParams = z.output<typeof SignUpsParams>;

export const signUpsReport: ReportSpec<SignUpsParams> = {
  name: "sign-ups",
  title: "Sign-ups",
  meaning: "Accounts created.",
  sources: ["accounts"],
  params: SignUpsParams,
  columns: [
    PERIOD,
    count("signUps", "Accounts created in the step."),
    count("total", "Accounts created up to the end of the step."),
  ],
  finish({ params, buckets }, rows) {
    const before = rows.filter((row) => textOf(row, "place") === "before");
    let total = before.reduce((sum, row) => sum + integerOf(row, "sign_ups"), 0n);
    const at = new Map(
      rows
        .filter((row) => textOf(row, "place") !== "before")
        .map((row) => [periodOf(row, params.step), integerOf(row, "sign_ups")]),
    );
    return buckets.map(({ name }) => {
      const signUps = at.get(name) ?? 0n;
      total += signUps;
      return [name, signUps, total];
    });
  },
};

const TurnoverParams = hourly({});
export type TurnoverParams = z.output<typeof TurnoverParams>;

export const turnoverReport: ReportSpec<TurnoverParams> = {
  name: "turnover",
  title: "Turnover",
  meaning: "Sessions started and ended, from the events of Accounts.",
  sources: ["accounts"],
  params: TurnoverParams,
  columns: [
    { ...PERIOD, type: "time", meaning: "Start of the step (UTC; weeks begin on Monday)." },
    count("signIns", "Sessions started."),
    count("signOuts", "Sessions ended, for any reason."),
    count("turnover", "signIns − signOuts."),
  ],
  finish(request, rows) {
    const at = new Map(rows.map((row) => [periodOf(row, request.params.step), row]));
    return request.buckets.map(({ name }) => {
      const row = at.get(name) ?? {};
      const signIns = integerOf(row, "sign_ins");
      const signOuts = integerOf(row, "sign_outs");
      return [momentOf(request, name), signIns, signOuts, signIns - signOuts];
    });
  },
};

/** The start of a step as an ISO time, whatever its length. */
export const momentOf = (request: ResolvedRequest<{ step: string }>, name: string): string =>
  request.params.step === "hour" ? name : `${name}T00:00:00Z`;
