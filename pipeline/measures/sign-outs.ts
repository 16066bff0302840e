import { SIGN_OUT } from "#collectors/derive/sign-actions.ts";

import { actionCount } from "./action-count.ts";
import { metric, type Measure } from "./measure.ts";
import { signIns } from "./sign-ins.ts";
import { type Sum, ZERO_RULE } from "./sum.ts";

export const signOuts: Measure<Sum> = actionCount("sign_outs", {
  action: SIGN_OUT,
  cells: "sign-out",
  metrics: () => [
    metric({
      name: "sign_outs",
      title: "Sign-outs",
      unit: "count",
      meaning: `Sign-outs: events of a session's end, and requests that match the configured sign-out patterns. ${ZERO_RULE}`,
      of: [signOuts],
      value: ([{ value }]) => value,
    }),
    metric({
      name: "turnover",
      title: "Turnover",
      unit: "count",
      meaning: `Sign-ins minus sign-outs: above zero if more people signed in than out. ${ZERO_RULE}`,
      of: [signIns, signOuts],
      value: ([came, left]) => came.value - left.value,
    }),
  ],
});
