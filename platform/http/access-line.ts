import type { EcsBase } from "./ecs-base.ts";
import type { RequestState } from "./listener-deps.ts";
import { newSpanId } from "./trace.ts";

const TEXTS_MAX = 10_000;

/** What load balancers and schedulers ask several times a second. */
const HEALTH_CHECKS = new Set(["/livez", "/readyz"]);

/**
 * Writes one ECS document per request, except for health checks that succeed and are in no trace. It is concatenated from prepared strings: at tens of thousands of requests per
 * second, serialising an object would cost as much as the rest of a request.
 */
export function accessLine(deps: {
  base: EcsBase;
  dataset: string;
  hashUser(id: string): string;
  writeLine(line: string): void;
}): (request: RequestState, status: number, tookMs: number) => void {
  const { base } = deps;
  const fixed = `,"ecs.version":"8.11.0","event.kind":"event","event.category":["web"],"event.type":["access"],"event.dataset":"${deps.dataset}",${base.text}`;
  const hashOf = textCache(deps.hashUser);
  const quoted = textCache(JSON.stringify);
  return (request, status, tookMs) => {
    const { incoming, trace, caller } = request;
    if (isHealthCheck(request) && status < 400) return;
    const { method = "" } = incoming;
    const path = inJson(pathOf(incoming.url ?? ""));
    const agent = incoming.headers["user-agent"];
    const user = caller === undefined ? "" : caller.id;
    deps.writeLine(
      `{"@timestamp":"${base.time()}"${fixed},"log.level":"${status >= 500 ? "error" : "info"}","message":"${method} ${path} ${status}","event.outcome":"${status >= 400 ? "failure" : "success"}","event.duration":${nanoseconds(tookMs)},"http.version":"${incoming.httpVersion}","http.request.method":"${method}","http.response.status_code":${status}${
        request.bytes === undefined ? "" : `,"http.response.body.bytes":${request.bytes}`
      },"http.route":"${request.route.path}","url.path":"${path}","source.ip":${quoted(request.address)}${
        agent === undefined ? "" : `,"user_agent.original":${quoted(agent)}`
      },"trace.id":"${trace.traceId}","span.id":"${newSpanId()}"${
        trace.parentId === undefined ? "" : `,"parent.id":"${trace.parentId}"`
      }${user === "" ? "" : `,"user.hash":"${hashOf(user)}"`}}\n`,
    );
  };
}

const isHealthCheck = ({ route, trace }: RequestState): boolean =>
  HEALTH_CHECKS.has(route.path) && trace.parentId === undefined;

/** Rounded to microseconds: small numbers are formatted faster. */
const nanoseconds = (ms: number): string => {
  const microseconds = Math.round(ms * 1_000);
  return microseconds === 0 ? "0" : `${microseconds}000`;
};

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const inJson = (text: string): string =>
  PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);

/** Caches results for recurring texts; a full cache is cleared. */
function textCache(make: (text: string) => string): (text: string) => string {
  const made = new Map<string, string>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const value = make(text);
    if (made.size >= TEXTS_MAX) made.clear();
    made.set(text, value);
    return value;
  };
}

/** Without the query, which may contain data that must not be logged. */
function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
