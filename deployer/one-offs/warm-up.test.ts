import { createServer, type IncomingMessage } from "node:http";

import { expect, onTestFinished, test } from "vitest";

import { listen } from "#platform/listen.ts";

import { WARM_UP, warmUp } from "./warm-up.ts";

test("the most requested paths are read through each preview, and nothing else", async () => {
  const got: [string, IncomingMessage["headers"]][] = [];
  const server = createServer((request, response) => {
    got.push([request.url ?? "", request.headers]);
    response.writeHead(request.url === "/old" ? 302 : 200, { location: "/elsewhere" }).end("body");
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0, ifTaken: "fail" });
  onTestFinished(() => void server.close());
  const work = { kind: "warm-up", workload: "web", deploy: "d", release: "r2", colour: "green" };
  await warmUp(
    { ...work, kind: "warm-up", colour: "green" },
    {
      topPaths: async () => ["/a", `@127.0.0.2:${port}/b`, ".evil.test/c", "/old"],
      previewsOf: async () => [
        { url: `http://127.0.0.1:${port}`, headers: { "x-preview-lane": "green" } },
      ],
      limits: WARM_UP,
    },
  );
  expect(got.map(([url]) => url).toSorted()).toEqual(["/a", "/old"]);
  expect(got.map(([, headers]) => headers["x-preview-lane"])).toEqual(["green", "green"]);
});
