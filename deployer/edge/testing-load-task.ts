import { createServer } from "node:http";

/*
 * A task for the load test: its release is its argument. It answers with what was asked for, so that a wrong answer is seen.
 * /cached/… may be stored; a POST tells its key, and its path is counted.
 */
const [release = ""] = process.argv.slice(2);

const server = createServer((request, response) => {
  const { method = "", url = "", headers } = request;
  request.resume();
  request.on("end", () => {
    response.setHeader("x-release", release);
    if (url.startsWith("/cached/")) response.setHeader("cache-control", "max-age=60");
    const key = headers["idempotency-key"] ?? "";
    response.end(JSON.stringify({ release, method, url, key }));
  });
});
// Later than HAProxy closes its idle connections.
server.keepAliveTimeout = 70_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.(address.port);
});
process.on("disconnect", () => process.exit(0));
