import { z } from "zod";

import type { SettingGroup } from "#platform/settings/settings.ts";

import { isDurationRule } from "./duration-rules.ts";
import { isZone, machineZone } from "./machine-zone.ts";
import { parseTrustedProxies } from "./trusted-proxies.ts";

const REQUEST_PATTERN = /^(?:[A-Z]+|\*) \/\S* [1-5](?:\d\d|xx)(?:,[1-5](?:\d\d|xx))*$/;

const FIELD_NAME = /^[a-z][\w()-]{0,99}$/i;

const addresses = z
  .string()
  .transform((text) => text.split(/[\s,;]+/).filter((part) => part !== ""))
  .refine((networks) => parseTrustedProxies(networks) !== undefined, {
    error: "give addresses and networks, separated by commas, for example: 10.0.0.0/8, 2001:db8::7",
  });

const semicolonList = z.string().transform((text) =>
  text
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

const requestPatterns = semicolonList.refine(
  (patterns) => patterns.every((pattern) => REQUEST_PATTERN.test(pattern)),
  {
    error:
      "write METHOD PATH STATUS[,STATUS…], separated by ;, for example: POST /login 2xx,3xx; POST /api/session 201",
  },
);

const durationUnits = semicolonList.refine((rules) => rules.every(isDurationRule), {
  error:
    "write PATH FIELD us|ms|s|none, separated by ;, for example: /var/log/httpd/*_log request_time ms; * %D us",
});

const names = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((name) => name !== ""))
  .refine((list) => list.every((name) => FIELD_NAME.test(name)), {
    error:
      "give names of fields, separated by spaces or commas, for example: timestamp c-ip sc-status",
  });

/** Settings for what log lines themselves do not state. */
export const derivationSettings = {
  /** IANA name. */
  timezone: {
    variable: "QUARTERDECK_TIMEZONE",
    schema: z
      .string()
      .transform((name) => (name === "local" ? (machineZone() ?? name) : name))
      .refine(isZone, {
        error:
          "give an IANA time zone, for example UTC or Europe/Berlin; local requires a known zone in TZ or /etc/localtime",
      }),
    default: "local",
    description:
      "Time zone of log times without a zone (nginx error, Apache error, HAProxy), unless a syslog header of the same line has an offset. local: the zone of this machine (TZ, otherwise /etc/localtime).",
  },
  /** `PATH FIELD UNIT`, as text. */
  durationUnits: {
    variable: "QUARTERDECK_DURATION_UNITS",
    schema: durationUnits,
    default: "",
    description:
      "Units of whole numbers that are durations, by source and field, if the guess from their size is wrong: PATH FIELD us|ms|s|none, separated by ;, where PATH may be a glob pattern or *. A number without a name is called %D.",
  },
  /** Request patterns in text form: `POST /login 2xx,3xx`. */
  signIn: {
    variable: "QUARTERDECK_SIGN_IN",
    schema: requestPatterns,
    default:
      "POST /login 2xx,3xx; POST /*/login 2xx,3xx; POST /signin 2xx,3xx; POST /*/sign-in 2xx,3xx; POST /api/session 2xx; POST /wp-login.php?!action 3xx; POST /wp-login.php?action=login 3xx; POST /*/wp-login.php?!action 3xx; POST /*/wp-login.php?action=login 3xx",
    description:
      "Requests in access logs that count as sign-ins: METHOD PATH STATUS[,STATUS…], separated by ;. * matches any part of the path; ?action=login requires a query parameter, and ?!action that there is none.",
  },
  signOut: {
    variable: "QUARTERDECK_SIGN_OUT",
    schema: requestPatterns,
    default:
      "POST /logout 2xx,3xx; GET /logout 2xx,3xx; POST /*/logout 2xx,3xx; POST /signout 2xx,3xx; POST /*/sign-out 2xx,3xx; DELETE /api/session 2xx; * /wp-login.php?action=logout 3xx; * /*/wp-login.php?action=logout 3xx",
    description: "Requests in access logs that count as sign-outs, in the same format.",
  },
  trustedProxies: {
    variable: "QUARTERDECK_TRUSTED_PROXIES",
    schema: addresses,
    default: "",
    description:
      "Addresses and networks of your proxies, separated by commas: the client is the last address in X-Forwarded-For that is none of them. If empty, it is the first public address, of requests from private networks.",
  },
  cloudFrontFields: {
    variable: "QUARTERDECK_CLOUDFRONT_FIELDS",
    schema: names,
    default: "",
    description:
      "Names of the fields of CloudFront's real-time logs, which have no header line, in their order, separated by spaces or commas. Needed if some of the fields were left out.",
  },
} satisfies SettingGroup;
