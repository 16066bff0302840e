import { AppError } from "#platform/errors.ts";

import type { Format } from "../format.ts";
import { registeredFormat } from "../user-formats/registry.ts";
import { apacheAccess } from "./apache-access.ts";
import { apacheError } from "./apache-error.ts";
import { appAccess } from "./application/app-access.ts";
import { appJson } from "./application/app-json.ts";
import { appLog } from "./application/app-log.ts";
import { appLogfmt } from "./application/app-logfmt.ts";
import { appPrettyJson } from "./application/app-pretty-json.ts";
import { cloudFront } from "./aws/cloudfront.ts";
import { cloudTrail } from "./aws/cloudtrail.ts";
import { cloudWatch, ec2 } from "./aws/cloudwatch.ts";
import { elb } from "./aws/elb.ts";
import { networkFirewall } from "./aws/network-firewall.ts";
import { resolver } from "./aws/resolver.ts";
import { s3Access } from "./aws/s3-access.ts";
import { vpcFlow } from "./aws/vpc-flow.ts";
import { waf } from "./aws/waf.ts";
import { caddyAccess } from "./caddy-access.ts";
import { caddyLog } from "./caddy-log.ts";
import { ecs } from "./ecs.ts";
import { envoyproxy } from "./envoyproxy.ts";
import { haproxyLog } from "./haproxy.ts";
import { iisAccess } from "./iis-access.ts";
import { iisError } from "./iis-error.ts";
import { kafkaLog } from "./kafka.ts";
import { mongodbLog } from "./mongodb/log.ts";
import { mysqlError } from "./mysql/error-log.ts";
import { mysqlGeneral } from "./mysql/general-log.ts";
import { mysqlSlowLog } from "./mysql/slow-log.ts";
import { nginxAccess } from "./nginx-access.ts";
import { nginxError } from "./nginx-error.ts";
import { nginxIngress } from "./nginx-ingress.ts";
import { postgresqlLog } from "./postgresql/log.ts";
import { redisLog } from "./redis.ts";
import { systemAuth } from "./system/auth.ts";
import { systemSyslog } from "./system/syslog.ts";
import { traefikAccess } from "./traefik-access.ts";
import { varnishAccess } from "./varnish-access.ts";

/** Every log format. If two match equally well, the first one is chosen. */
export const FORMATS: readonly Format[] = [
  nginxIngress,
  nginxAccess,
  apacheAccess,
  varnishAccess,
  nginxError,
  apacheError,
  haproxyLog,
  postgresqlLog,
  mysqlError,
  mysqlSlowLog,
  mysqlGeneral,
  mongodbLog,
  redisLog,
  kafkaLog,
  traefikAccess,
  iisAccess,
  iisError,
  cloudFront,
  elb,
  s3Access,
  vpcFlow,
  cloudTrail,
  waf,
  resolver,
  networkFirewall,
  ec2,
  systemAuth,
  ecs,
  envoyproxy,
  caddyAccess,
  caddyLog,
  appAccess,
  appJson,
  appPrettyJson,
  appLogfmt,
  appLog,
  systemSyslog,
  cloudWatch,
];

const BY_DATASET: ReadonlyMap<string, Format> = new Map(
  FORMATS.map((format) => [format.dataset, format]),
);

/** The format of this dataset; undefined if there is none, as for datasets of ECS documents. */
export function findFormat(dataset: string): Format | undefined {
  return BY_DATASET.get(dataset) ?? registeredFormat(dataset);
}

/** The format of this dataset. @throws AppError that lists the known datasets */
export function formatNamed(dataset: string): Format {
  const format = findFormat(dataset);
  if (format) return format;
  const names = [...BY_DATASET.keys()].join(", ");
  throw new AppError("bad_request", `unknown dataset "${dataset}": use one of ${names}`);
}
