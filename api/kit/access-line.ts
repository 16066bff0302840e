import type { Clock } from "#platform/clock.ts";
import type { Config } from "#platform/config.ts";

import type { Served } from "./compile-route.ts";
import type { Service } from "./service.ts";

/** Writes one ECS document for each request. */
export function accessLine(deps: {
  service: Service;
  config: Config;
  clock: Clock;
  hashUser(id: string): string;
  writeLine(line: string): void;
}): (request: Served, status: number, tookMs: number) => void {
  const { service, config } = deps;
  return ({ route, trace, incoming, address, caller }, status, tookMs) => {
    const [path] = (incoming.url ?? "").split("?");
    const fields = {
      "@timestamp": new Date(deps.clock.nowMs()).toISOString(),
      "log.level": status >= 500 ? "error" : "info",
      message: `${incoming.method} ${path} ${status}`,
      "ecs.version": "8.11.0",
      "event.kind": "event",
      "event.category": ["web"],
      "event.type": ["access"],
      "event.dataset": `${service.name}.access`,
      "event.outcome": status >= 400 ? "failure" : "success",
      "event.duration": Math.round(tookMs * 1e6),
      "service.name": service.name,
      "service.version": config.api.release,
      "http.request.method": incoming.method,
      "http.response.status_code": status,
      "http.route": route.path,
      "url.path": path,
      "source.ip": address,
      "user_agent.original": incoming.headers["user-agent"],
      "trace.id": trace.traceId,
      "span.id": trace.parentId,
      "user.hash": caller === undefined || caller.id === "" ? undefined : deps.hashUser(caller.id),
    };
    deps.writeLine(`${JSON.stringify(fields)}\n`);
  };
}
