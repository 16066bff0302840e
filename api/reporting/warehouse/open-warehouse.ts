import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";

import type { Kit } from "#api/kit/service.ts";
import { AppError } from "#platform/errors.ts";

import { duckdbWarehouse } from "../repositories/duckdb-warehouse.ts";
import type { LakeDuck } from "../repositories/lake-duck.ts";
import { filesOf } from "../repositories/lake-store.ts";
import { redshiftWarehouse } from "../repositories/redshift-warehouse.ts";
import type { WarehouseSettings } from "../settings.ts";
import type { Warehouse } from "./port.ts";
import { dataApiTarget, redshiftDataClient } from "./redshift-data.ts";
import { redshiftPgClient } from "./redshift-pg.ts";
import { s3Put } from "./s3-object.ts";

type Deps = Pick<Kit, "log" | "database"> & { duck: LakeDuck };

/** Opens the configured engine. @throws AppError bad_request that names a missing setting */
export function openWarehouse(
  { url, s3, iamRole }: WarehouseSettings,
  { log, database, duck }: Deps,
): Warehouse {
  if (url === undefined) return duckdbWarehouse({ duck, files: (fact) => filesOf(database, fact) });
  if (s3 === undefined || iamRole === undefined) {
    throw new AppError(
      "bad_request",
      "Redshift (WAREHOUSE_URL) also needs WAREHOUSE_S3, the files to load, and WAREHOUSE_IAM_ROLE, the role to read them.",
    );
  }
  const region = new URL(url).searchParams.get("region");
  // The AWS SDK finds credentials and region in the environment, the profile or the machine's role.
  const aws = region === null ? {} : { region };
  const client = url.startsWith("redshift-data:")
    ? redshiftDataClient(new RedshiftDataClient(aws), dataApiTarget(url))
    : redshiftPgClient(url, (error) => log.warn("a connection to Redshift failed", { error }));
  // Most servers set in AWS_ENDPOINT_URL_S3 do not support bucket host names.
  const forcePathStyle = process.env["AWS_ENDPOINT_URL_S3"] !== undefined;
  const put = s3Put(new S3Client({ ...aws, forcePathStyle }), s3);
  return redshiftWarehouse({ client, put, iamRole, folder: duck.folder });
}
