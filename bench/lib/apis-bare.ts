/**
 * The bare server that the domain APIs are compared with: Hono on its own server for Node, which sends a given text for
 * each route and does nothing else. Started by apis.ts with the responses as an argument; prints its URL.
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { z } from "zod";

const Answers = z.array(
  z.object({
    method: z.enum(["GET", "POST"]),
    path: z.string(),
    status: z.int(),
    text: z.string(),
  }),
);

const app = new Hono();
for (const { method, path, status, text } of Answers.parse(JSON.parse(process.argv[2] ?? "[]"))) {
  const init = { status, headers: { "content-type": "application/json" } };
  if (method === "GET") app.get(path, () => new Response(text, init));
  else {
    app.post(path, async (context) => {
      await context.req.json();
      return new Response(text, init);
    });
  }
}
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
  process.stdout.write(`http://127.0.0.1:${port}\n`),
);
process.once("disconnect", () => process.exit(0));
