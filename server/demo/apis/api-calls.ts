import type { Step } from "../model.ts";

/** A request from the shop to a domain API, as the API's access log records it. */
export type ApiCall = {
  service: "accounts" | "billing" | "management" | "logging";
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Template: `/v1/subscriptions/{subscriptionId}`. */
  route: string;
  status: number;
  /** Median duration. */
  durationMs: number;
};

const SIGN_IN = { service: "accounts", method: "POST", route: "/v1/sessions" } as const;

/** The API requests that a visitor's step causes: sent by the live shop, and written into the generated history. */
export function apiCallsOf(
  step: Pick<Step, "method" | "path" | "signedIn" | "passwordRight">,
): ApiCall[] {
  const { method, path, signedIn } = step;
  switch (`${method} ${path}`) {
    case "POST /login":
      return [{ ...SIGN_IN, status: step.passwordRight ? 201 : 401, durationMs: 58 }];
    case "POST /logout":
      return signedIn
        ? [
            {
              service: "accounts",
              method: "DELETE",
              route: "/v1/session",
              status: 204,
              durationMs: 4,
            },
          ]
        : [];
    case "GET /account":
      return signedIn
        ? [{ service: "billing", method: "GET", route: "/v1/invoices", status: 200, durationMs: 5 }]
        : [];
    case "POST /api/orders":
      return [
        {
          service: "billing",
          method: "PATCH",
          route: "/v1/subscriptions/{subscriptionId}",
          status: 200,
          durationMs: 16,
        },
      ];
    default:
      return [];
  }
}

const FEED = { method: "GET", route: "/v1/events", status: 200, durationMs: 4 } as const;
const FEEDS: readonly ApiCall[] = [
  { ...FEED, service: "accounts" },
  { ...FEED, service: "billing" },
];

/**
 * API requests of every minute, independent of visitors: reading settings, sending the shop's log, and the feeds that
 * Reporting reads every 30 s.
 */
export const CALLS_EACH_MINUTE: readonly ApiCall[] = [
  ...FEEDS,
  ...FEEDS,
  {
    service: "management",
    method: "GET",
    route: "/v1/settings/{application}/resolved",
    status: 200,
    durationMs: 2,
  },
  { service: "logging", method: "POST", route: "/v1/logs/batch", status: 200, durationMs: 6 },
];
