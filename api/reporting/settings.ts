import { z } from "zod";

import { apiUrlSettings } from "#api/kit/settings.ts";
import { storeSettings } from "#pipeline/settings.ts";
import { dataFolderSettings } from "#platform/settings/data-folder.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

/** Prefix of the variables that the AWS SDK reads itself: region, credentials, endpoints. */
export const AWS_PREFIX = "AWS_";

export const warehouseSettings = {
  /** Undefined: DuckDB over the files in the data folder. */
  url: {
    variable: "WAREHOUSE_URL",
    schema: z.url({
      protocol: /^redshift(?:-data)?$/,
      error:
        "give redshift://user:password@host:5439/database or redshift-data://WORKGROUP/DATABASE?region=…&secretArn=…",
    }),
    description: "Runs reports on Amazon Redshift instead of the embedded DuckDB.",
    secret: true,
  },
  s3: {
    variable: "WAREHOUSE_S3",
    schema: z.url({ protocol: /^s3$/, error: "give s3://bucket/prefix" }),
    description: "Location of the Parquet files that Redshift loads.",
  },
  iamRole: {
    variable: "WAREHOUSE_IAM_ROLE",
    schema: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, {
      error: "give the ARN of an IAM role",
    }),
    description: "Role that Redshift uses to read WAREHOUSE_S3.",
  },
} satisfies SettingGroup;

export const reportingSettings = {
  ...dataFolderSettings,
  ...storeSettings,
  ...warehouseSettings,
  accountsUrl: apiUrlSettings.accounts,
  billingUrl: apiUrlSettings.billing,
} satisfies SettingGroup;

export type WarehouseSettings = SettingsOf<typeof warehouseSettings>;
export type ReportingSettings = SettingsOf<typeof reportingSettings>;
