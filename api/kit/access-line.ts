import type { Served } from "./compile-route.ts";
import type { LineBase } from "./line-base.ts";
import { newSpanId } from "./trace.ts";

const HASHES_MAX = 10_000;

/**
 * Writes one ECS document for each request. It is put together from finished pieces: at tens of thousands of requests a
 * second, this line costs as much as anything else about them.
 */
export function accessLine(deps: {
  base: LineBase;
  dataset: string;
  hashUser(id: string): string;
  writeLine(line: string): void;
}): (request: Served, status: number, tookMs: number) => void {
  const { base } = deps;
  const fixed = `,"ecs.version":"8.11.0","event.kind":"event","event.category":["web"],"event.type":["access"],"event.dataset":"${deps.dataset}",${base.text}`;
  const hashes = new Map<string, string>();
  const hashOf = (id: string): string => {
    const known = hashes.get(id);
    if (known !== undefined) return known;
    const hash = deps.hashUser(id);
    if (hashes.size >= HASHES_MAX) hashes.clear();
    hashes.set(id, hash);
    return hash;
  };
  return (request, status, tookMs) => {
    const { incoming, trace, caller } = request;
    const { method = "" } = incoming;
    const path = pathOf(incoming.url ?? "");
    const agent = incoming.headers["user-agent"];
    const user = caller === undefined || caller.id === "" ? "" : caller.id;
    deps.writeLine(
      `{"@timestamp":"${base.time()}"${fixed},"log.level":"${status >= 500 ? "error" : "info"}","message":${JSON.stringify(`${method} ${path} ${status}`)}` +
        `,"event.outcome":"${status >= 400 ? "failure" : "success"}","event.duration":${Math.round(tookMs * 1e6)}` +
        `,"http.version":"${incoming.httpVersion}","http.request.method":"${method}","http.response.status_code":${status}` +
        (request.bytes === undefined ? "" : `,"http.response.body.bytes":${request.bytes}`) +
        `,"http.route":"${request.route.path}","url.path":${JSON.stringify(path)},"source.ip":${JSON.stringify(request.address)}` +
        (agent === undefined ? "" : `,"user_agent.original":${JSON.stringify(agent)}`) +
        `,"trace.id":"${trace.traceId}","span.id":"${newSpanId()}"` +
        (trace.parentId === undefined ? "" : `,"parent.id":"${trace.parentId}"`) +
        (user === "" ? "" : `,"user.hash":"${hashOf(user)}"`) +
        "}\n",
    );
  };
}

/** The query is left out: it may hold what a log should not. */
function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
