import { describe, expect, test } from "vitest";

import { EventOverview, FacetValues } from "#dashboards/api.ts";

import { serveEvents } from "./testing-events.ts";

const AT_MS = Date.UTC(2026, 4, 17, 10);
const RANGE = `from=${AT_MS}&to=${AT_MS + 3_600_000}`;
const STATUSES = [404, 404, 404, 503, 503, 200, 200, 200, 200, 200];
const EVENTS = STATUSES.map((status, n) => ({
  tMs: AT_MS + n * 1000,
  "http.response.status_code": status,
  "http.request.method": n % 2 === 0 ? "GET" : "POST",
  "http.route": `/page/${n % 9}`,
}));

const counts = (values: readonly { value: string; count: number }[] = []): Record<string, number> =>
  Object.fromEntries(values.map(({ value, count }) => [value, count]));

describe("facets of a search", () => {
  test("count other values of a field as if none of it was selected, so that several can be", async () => {
    const get = await serveEvents(EVENTS);
    const q = encodeURIComponent("status:(404 OR 503) method:GET");
    const overview = EventOverview.parse(await get(`/api/events/overview?${RANGE}&q=${q}`));
    const facet = (field: string): Record<string, number> =>
      counts(overview.facets.find((it) => it.field === field)?.values);
    expect(overview.count).toBe(3);
    expect(facet("http.response.status_code")).toEqual({ 404: 2, 503: 1, 200: 2 });
    expect(facet("http.request.method")).toEqual({ GET: 3, POST: 2 });
    expect(facet("http.route")).toEqual({ "/page/0": 1, "/page/2": 1, "/page/4": 1 });
  });

  test("come with a hint if a value occurs only in another case", async () => {
    const get = await serveEvents(EVENTS);
    const overview = EventOverview.parse(await get(`/api/events/overview?${RANGE}&q=method:get`));
    expect(overview.count).toBe(0);
    expect(overview.hints).toEqual([
      {
        text: expect.stringContaining('"get": did you mean "GET"?'),
        query: "http.request.method:GET",
      },
    ]);
  });

  test("list a selected value that is not among the most frequent", async () => {
    const get = await serveEvents(EVENTS);
    const q = encodeURIComponent("route:/page/8");
    const overview = EventOverview.parse(await get(`/api/events/overview?${RANGE}&q=${q}`));
    const routes = overview.facets.find((it) => it.field === "http.route")?.values ?? [];
    expect(routes).toHaveLength(9);
    expect(counts(routes)["/page/8"]).toBe(1);
  });

  test("of one field are all of its values, or those with a text, whatever is selected of it", async () => {
    const get = await serveEvents(EVENTS);
    const facet = async (more: string): Promise<Record<string, number>> =>
      counts(FacetValues.parse(await get(`/api/events/facet?${RANGE}&${more}`)).values);
    expect(Object.keys(await facet("field=http.route"))).toHaveLength(9);
    expect(await facet("field=http.route&containing=GE/7&q=route:/page/1")).toEqual({
      "/page/7": 1,
    });
    expect(await facet("field=http.response.status_code&containing=40")).toEqual({ 404: 3 });
    expect(await facet("field=http.request.method&q=status:503")).toEqual({ GET: 1, POST: 1 });
  });
});
