import { expect, test } from "vitest";

import { SIGN_IN } from "#collectors/derive/sign-actions.ts";
import { storeWithEvents, storeWithTimes } from "#pipeline/metrics/testing-times.ts";
import { parseQuery } from "#pipeline/query-language.ts";

import { boardOf } from "./testing-board.ts";

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 4, 17, 10, 20, 30);

test("a range that starts and ends within a minute counts exactly its own events, also the last minutes of sign-ins", async () => {
  const toMs = NOW_MS - 24 * 60 * MINUTE_MS;
  const range = { fromMs: toMs - 30 * MINUTE_MS, toMs, live: false };
  const around = [toMs - 40 * MINUTE_MS, toMs + 20 * MINUTE_MS];
  const times = [toMs - 15 * MINUTE_MS - 1, toMs - 15 * MINUTE_MS, toMs - 1, toMs, toMs + 1];
  await using store = await storeWithTimes({ "nginx.access": [...around, ...times] }, SIGN_IN);
  const board = await boardOf(store, NOW_MS, { range });
  expect(board.values["requests"]).toBe(3);
  expect(board.values["sign_ins"]).toBe(3);
  expect(board.turnoverToMs).toBe(toMs);
  expect(board.turnover.map(({ minutes, signIns }) => [minutes, signIns])).toEqual([
    [5, 1],
    [15, 2],
    [60, 4],
  ]);
});

/** Requests of two addresses, one each minute of the last hour and one of the hour before, with some errors. */
const requests = Array.from({ length: 120 }, (_, n) => ({
  tMs: NOW_MS - n * MINUTE_MS - 1,
  "data_stream.dataset": "nginx.access",
  "source.address": n % 3 === 0 ? "192.0.2.1" : "192.0.2.2",
  "source.ip": n % 3 === 0 ? "192.0.2.1" : "192.0.2.2",
  "http.response.status_code": n % 4 === 0 ? 404 : n % 10 === 1 ? 503 : 200,
  "http.request.method": n % 2 === 0 ? "GET" : "POST",
  "event.duration": n < 60 ? 5e6 : 9e6,
}));
const lastHour = { fromMs: NOW_MS - 60 * MINUTE_MS, toMs: NOW_MS, live: true };

test("a filter applies to every number and chart of the board, and 4xx are beside 5xx", async () => {
  await using store = await storeWithEvents(requests);
  const where = parseQuery("source.ip:192.0.2.1");
  const board = await boardOf(store, NOW_MS, { range: lastHour, where });
  const mine = requests.slice(0, 60).filter((one) => one["source.ip"] === "192.0.2.1");
  const withStatus = (first: number): number =>
    mine.filter((one) => Math.floor(one["http.response.status_code"] / 100) === first).length;
  expect(board.isFiltered).toBe(true);
  expect(board.values["requests"]).toBe(mine.length);
  expect(board.values["errors"]).toBe(withStatus(5));
  expect(board.values["client_errors"]).toBe(withStatus(4));
  expect(board.values["client_error_ratio"]).toBeCloseTo(withStatus(4) / mine.length);
  expect(board.values["users_connected"]).toBe(1);
  const users = board.series["users_connected"] ?? [];
  expect(Math.max(...users.map(([, count]) => count ?? 0))).toBe(1);
  const rates = board.series["requests_per_second"] ?? [];
  const busy = rates.filter(([, rate]) => rate !== null && rate > 0);
  expect(busy).toHaveLength(mine.length);
  expect(board.predictedRequestsPerSecond).toMatchObject({ status: "learning" });
});

test("requests are broken down by any field, with the number of values that are not shown", async () => {
  await using store = await storeWithEvents(
    requests.map((one, n) => ({ ...one, "labels.shop": n < 40 ? "first" : `shop-${n}` })),
  );
  const range = { ...lastHour, fromMs: NOW_MS - 120 * MINUTE_MS };
  const { breakDown } = await boardOf(store, NOW_MS, { range, by: "labels.shop" });
  expect(breakDown?.values).toHaveLength(10);
  expect(breakDown).toMatchObject({ of: "requests", more: 71, isMoreExact: true });
  const [first] = breakDown?.values ?? [];
  expect(first).toMatchObject({ value: "first", count: 40, clientErrors: 10, errors: 4 });
  expect(first?.p95Ms).toBeCloseTo(5, 0);
  // One request a minute.
  expect(first?.points.at(-2)?.[1]).toBeCloseTo(1 / 60);
});

test("the values of a break-down are compared with the previous period, point by point", async () => {
  await using store = await storeWithEvents(
    requests.map((one, n) => ({ ...one, "labels.shop": n < 90 ? "old" : "older" })),
  );
  const by = "labels.shop";
  const alone = await boardOf(store, NOW_MS, { range: lastHour, by });
  expect(alone.breakDown?.values.map(({ compared }) => compared)).toEqual([null]);
  const { breakDown } = await boardOf(store, NOW_MS, { range: lastHour, by, compare: "previous" });
  const [old] = breakDown?.values ?? [];
  expect(old).toMatchObject({ value: "old", count: 60, compared: { count: 30 } });
  const times = new Set(old?.points.map(([tMs]) => tMs));
  const compared = old?.compared?.points.filter(([, rate]) => rate) ?? [];
  expect(compared.length).toBeGreaterThan(5);
  expect(compared.filter(([tMs]) => !times.has(tMs))).toEqual([]);
  expect(compared[1]?.[1]).toBeCloseTo(1 / 60);
  const week = await boardOf(store, NOW_MS, { range: lastHour, by, compare: "week" });
  expect(week.breakDown?.values[0]?.compared).toMatchObject({ count: 0 });
});

test.each([
  ["previous", 60 * MINUTE_MS, 9],
  ["week", 7 * 24 * 60 * MINUTE_MS, null],
] as const)(
  "a board compared with the %s period has its points at the times of the range",
  async (compare, shiftMs, p95Ms) => {
    await using store = await storeWithEvents(requests);
    const { comparison } = await boardOf(store, NOW_MS, { range: lastHour, compare });
    expect(comparison).toMatchObject({
      to: compare,
      fromMs: lastHour.fromMs - shiftMs,
      toMs: NOW_MS - shiftMs,
    });
    const shown = (comparison?.series["response_time_p95"] ?? []).find(
      ([tMs]) => tMs >= lastHour.fromMs,
    );
    if (p95Ms === null) expect(shown?.[1]).toBeNull();
    else expect(shown?.[1]).toBeCloseTo(p95Ms, 0);
    expect(comparison?.values["requests"]).toBe(compare === "previous" ? 60 : null);
  },
);

test("a range that reaches into the future has null where nothing was measured, and sign-ins of the time until the data end", async () => {
  const range = { fromMs: NOW_MS - 30 * MINUTE_MS, toMs: NOW_MS + 180 * MINUTE_MS, live: false };
  const times = [NOW_MS - 20 * MINUTE_MS, NOW_MS - 11 * MINUTE_MS, NOW_MS - 10 * MINUTE_MS];
  await using store = await storeWithTimes({ "nginx.access": times }, SIGN_IN);
  const board = await boardOf(store, NOW_MS, { range });
  expect(board.newestEventMs).toBe(NOW_MS - 10 * MINUTE_MS);
  const dataEndMs = Math.ceil((NOW_MS - 10 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS;
  expect(board.turnoverToMs).toBe(dataEndMs);
  expect(board.turnover.map(({ signIns }) => signIns)).toEqual([2, 3, 3]);
  const after = board.series["requests_per_second"]?.filter(([tMs]) => tMs >= dataEndMs);
  expect(after?.length).toBeGreaterThan(2);
  expect(after?.every(([, rate]) => rate === null)).toBe(true);
});

test("a range after the end of the data has no sign-ins to compare with a prediction", async () => {
  const range = { fromMs: NOW_MS + MINUTE_MS, toMs: NOW_MS + 180 * MINUTE_MS, live: false };
  await using store = await storeWithTimes({ "nginx.access": [NOW_MS - MINUTE_MS] }, SIGN_IN);
  expect((await boardOf(store, NOW_MS, { range })).turnover).toEqual([]);
});

test("totals of a range in the future are unknown, not 0, unless events are ahead of the clock", async () => {
  const range = { fromMs: NOW_MS, toMs: NOW_MS + 60 * MINUTE_MS, live: false };
  await using store = await storeWithTimes({ "nginx.access": [NOW_MS - MINUTE_MS] });
  const { values } = await boardOf(store, NOW_MS, { range });
  expect(Object.values(values).every((value) => value === null)).toBe(true);
  await using ahead = await storeWithTimes({ "nginx.access": [NOW_MS - 1, NOW_MS + 1] });
  expect((await boardOf(ahead, NOW_MS, { range })).values["requests"]).toBe(1);
});

test("a break-down lists the values that its filter does not select too, so that several can be selected", async () => {
  await using store = await storeWithEvents(requests);
  const by = "http.response.status_code";
  const range = lastHour;
  const mine = requests.slice(0, 60).filter((one) => one["http.request.method"] === "GET");
  const countsOf = async (query: string) => {
    const board = await boardOf(store, NOW_MS, { range, by, where: parseQuery(query) });
    const counts = board.breakDown?.values.map(({ value, count }) => [value, count]) ?? [];
    return { requests: board.values["requests"], counts: Object.fromEntries(counts) };
  };
  const with404 = mine.filter((one) => one[by] === 404).length;
  const with200 = mine.filter((one) => one[by] === 200).length;
  const counts = { 404: with404, 200: with200 };
  expect(await countsOf("method:GET")).toEqual({ requests: mine.length, counts });
  expect(await countsOf("method:GET status:404")).toEqual({ requests: with404, counts });
  const both = await countsOf("method:GET status:(404 OR 200)");
  expect(both).toEqual({ requests: with404 + with200, counts });
  // Not a selection of values.
  expect((await countsOf("method:GET -status:404")).counts).toEqual({ 200: with200 });
});
