import type { Format } from "../format.ts";
import { apacheAccess } from "./apache-access.ts";
import { apacheError } from "./apache-error.ts";
import { ecs } from "./ecs.ts";
import { haproxyLog } from "./haproxy.ts";
import { nginxAccess } from "./nginx-access.ts";
import { nginxError } from "./nginx-error.ts";
import { nginxIngress } from "./nginx-ingress.ts";
import { varnishAccess } from "./varnish-access.ts";

/** Every log format that is known. Where two understand a line equally well, the former is taken. */
export const FORMATS: readonly Format[] = [
  nginxIngress,
  nginxAccess,
  apacheAccess,
  varnishAccess,
  nginxError,
  apacheError,
  haproxyLog,
  ecs,
];
