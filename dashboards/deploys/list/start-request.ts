import type { z } from "zod";

import type { DeploySummary } from "../messages.ts";
import type { PlanRequest } from "../requests.ts";

/** The form as it is filled. */
export type StartValues = {
  workload: string;
  release: string;
  /** Empty: the default of the fleet. */
  kind: DeploySummary["strategy"] | "";
  count: string;
  expand: boolean;
  contract: boolean;
  reason: string;
};

/** What is left empty is left out, so that it has its default. */
export function requestOf(values: StartValues): z.input<typeof PlanRequest> {
  const { workload, release, kind, count, expand, contract } = values;
  return {
    workload,
    release: release.trim(),
    ...(kind === "" ? {} : { strategy: { kind } }),
    // Text that is no number is refused with the name of the field.
    ...(count.trim() === "" ? {} : { count: Number(count) }),
    migrations: { expand, contract },
  };
}
