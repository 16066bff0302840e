import { SIGN_IN } from "#collectors/derive/sign-actions.ts";

import { actionCount } from "./action-count.ts";
import { metric, type Measure } from "./measure.ts";
import { type Sum, ZERO_RULE } from "./sum.ts";

export const signIns: Measure<Sum> = actionCount("sign_ins", {
  action: SIGN_IN,
  cells: "sign-in",
  metrics: () => [
    metric({
      name: "sign_ins",
      title: "Sign-ins",
      unit: "count",
      meaning: `Successful sign-ins: events of a session's start, and requests that match the configured sign-in patterns. ${ZERO_RULE}`,
      of: [signIns],
      value: ([{ value }]) => value,
    }),
  ],
});
