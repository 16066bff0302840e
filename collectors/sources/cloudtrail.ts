import { z } from "zod";

import { sourceKind } from "../configured/source-kind.ts";
import { openCloudTrailApi } from "./aws/cloudtrail-api.ts";
import { LookupSource } from "./aws/lookup-source.ts";

const DAY_MS = 86_400_000;

/** The event history of an AWS account, for accounts without a trail. */
export const cloudTrailKind = sourceKind({
  kind: "cloudtrail",
  title: "CloudTrail event history",
  summary: "Management events of an AWS account without a trail; with a trail, read its bucket",
  schema: z.strictObject({
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,30}$/, { error: "give a region, for example eu-central-1" })
      .meta({
        title: "Region",
        description:
          "Events of global services, such as IAM, are in us-east-1. Requires cloudtrail:LookupEvents. Events are read a quarter of an hour after they happened.",
        examples: ["eu-central-1"],
      }),
    from: z.iso
      .date({ error: "give a date, for example 2026-01-31" })
      .optional()
      .meta({
        title: "Events since",
        description: "At most 90 days ago. Default: yesterday.",
        examples: ["2026-01-31"],
      }),
  }),
  async open({ region, from }, { clock }) {
    const fromMs = from === undefined ? clock.nowMs() - DAY_MS : Date.parse(from);
    return new LookupSource({ region, fromMs, clock }, await openCloudTrailApi(region));
  },
});
