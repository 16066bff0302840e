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
import { dataApiTarget, redshiftDataWire } from "./redshift-data.ts";
import { redshiftPgWire } from "./redshift-pg.ts";
import { s3Put } from "./s3-object.ts";

type Deps = Pick<Kit, "log" | "database"> & { duck: LakeDuck };

/** Opens the engine that the settings name. @throws AppError bad_request that names what is missing in them */
export function openWarehouse(
  { url, s3, iamRole }: WarehouseSettings,
  { log, database, duck }: Deps,
): Warehouse {
  if (url === undefined) return duckdbWarehouse({ duck, files: (fact) => filesOf(database, fact) });
  if (s3 === undefined || iamRole === undefined) {
    throw new AppError(
      "bad_request",
      "WAREHOUSE_URL names Redshift: set WAREHOUSE_S3 and WAREHOUSE_IAM_ROLE too, where it copies from and as whom.",
    );
  }
  const region = new URL(url).searchParams.get("region");
  // Credentials and region by the rules of the AWS SDK: environment, profile, role of the machine.
  const aws = region === null ? {} : { region };
  const wire = url.startsWith("redshift-data:")
    ? redshiftDataWire(new RedshiftDataClient(aws), dataApiTarget(url))
    : redshiftPgWire(url, (error) => log.warn("a connection to Redshift broke", { error }));
  // The SDK takes another server's address from AWS_ENDPOINT_URL_S3; few of those have a host name for each bucket.
  const forcePathStyle = process.env["AWS_ENDPOINT_URL_S3"] !== undefined;
  const put = s3Put(new S3Client({ ...aws, forcePathStyle }), s3);
  return redshiftWarehouse({ wire, put, iamRole, folder: duck.folder });
}
