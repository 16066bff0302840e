import type { Format } from "../format.ts";
import { apacheAccess } from "./apache-access.ts";
import { nginxAccess } from "./nginx-access.ts";
import { varnishAccess } from "./varnish-access.ts";

/** Every log format that is known, those that are recognised by less after those that need more. */
export const FORMATS: readonly Format[] = [varnishAccess, nginxAccess, apacheAccess];
