import { expect, test } from "vitest";

import { Problem, SearchSuggestions } from "#dashboards/api.ts";

import { serveEvents } from "./testing-events.ts";

const AT_MS = Date.UTC(2026, 4, 17, 10);
const RANGE = `from=${AT_MS}&to=${AT_MS + 60_000}`;

test("the suggestions of a query are texts for its end, with what they mean or how frequent they are", async () => {
  const get = await serveEvents([
    { tMs: AT_MS, "http.request.method": "GET", "url.path": "/a b" },
    { tMs: AT_MS + 1, "http.request.method": "GET", "url.path": "/a" },
    { tMs: AT_MS + 2, "http.request.method": "POST", "url.path": "/a" },
    { tMs: AT_MS + 90_000, "http.request.method": "PUT", "url.path": "/late" },
  ]);
  const suggestions = async (q: string): Promise<SearchSuggestions> =>
    SearchSuggestions.parse(
      await get(`/api/events/suggestions?${RANGE}&q=${encodeURIComponent(q)}`),
    );
  expect(await suggestions("status:200 meth")).toEqual({
    from: 11,
    options: [
      { text: "method:", detail: "http.request.method" },
      { text: "http.request.method:", detail: "text" },
    ],
  });
  expect(await suggestions("method:")).toEqual({
    from: 7,
    options: [
      { text: "GET", detail: "2" },
      { text: "POST", detail: "1" },
    ],
  });
  expect((await suggestions("path:/a")).options).toEqual([
    { text: "/a", detail: "2" },
    { text: '"/a b"', detail: "1" },
  ]);
  expect(await suggestions('"a phr')).toEqual({ from: 0, options: [] });
  expect((await suggestions("")).options).toEqual([]);
});

test("an unfinished or invalid query is no mistake while it is written, an invalid range is one", async () => {
  const get = await serveEvents([{ tMs: AT_MS, "http.request.method": "GET" }]);
  const q = encodeURIComponent("(status:abc method:G");
  const { options } = SearchSuggestions.parse(await get(`/api/events/suggestions?${RANGE}&q=${q}`));
  expect(options).toEqual([{ text: "GET", detail: "1" }]);
  const problem = Problem.parse(await get("/api/events/suggestions?from=soon&q=a"));
  expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining("from") });
});
