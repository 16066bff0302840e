import type { RouteEntry } from "#access/routes.ts";

const HOME = "board:home";
const EVENTS = "events:all";

/** Every route of this room with its grant; a request for another path under /api is refused. */
export const SERVER_ROUTES: readonly RouteEntry[] = [
  { method: "GET", path: "/livez", grant: "anyone" },
  { method: "GET", path: "/readyz", grant: "anyone" },
  { method: "GET", path: "/metrics", grant: "anyone" },
  { method: "GET", path: "/api/board", grant: { capability: "chart", target: HOME } },
  { method: "GET", path: "/api/metrics/catalogue", grant: { capability: "chart", target: HOME } },
  { method: "GET", path: "/api/events", grant: { capability: "view", target: EVENTS } },
  { method: "GET", path: "/api/events/overview", grant: { capability: "view", target: EVENTS } },
  { method: "GET", path: "/api/event", grant: { capability: "view", target: EVENTS } },
  {
    method: "DELETE",
    path: "/api/demo",
    grant: { capability: "own", target: "workspace:current" },
  },
];

export const WATCH_BOARD = { capability: "chart", target: HOME } as const;
export const FOLLOW_EVENTS = { capability: "view", target: EVENTS } as const;
