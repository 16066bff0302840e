import { describe, expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { users } from "../measures/users.ts";
import { LiveFrame } from "./frame.ts";
import { LiveWindow } from "./live-window.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 10, 0, 30, 500);
const NOW_S = Math.floor(NOW_MS / 1000);

type Row = {
  /** Seconds before now. */
  ago: number;
  dataset?: string;
  status?: number;
  ms?: number;
  route?: string;
  address?: string;
  action?: string;
  instance?: string;
  connections?: number;
};

function openLive() {
  const clock = { now: NOW_MS, nowMs: () => clock.now };
  const batch = new Batch(100_000);
  const frames = new FrameAccumulator(batch, clock);
  const live = new LiveWindow(clock);
  const see = (rows: readonly Row[]) => {
    const first = batch.rows;
    batch.reserve(rows.length);
    for (const row of rows) write(batch, row);
    // As when sent between threads.
    for (const delta of frames.fold(first, batch.rows, true)) live.merge(structuredClone(delta));
  };
  return { clock, batch, frames, live, see };
}

function write(batch: Batch, row: Row): void {
  const at = batch.rows;
  batch.number("@timestamp").put(at, (NOW_S - row.ago) * 1000);
  batch.text("data_stream.dataset").putText(at, row.dataset ?? "nginx.access");
  if (row.status !== undefined) batch.number("http.response.status_code").put(at, row.status);
  if (row.ms !== undefined) batch.number("event.duration").put(at, row.ms * 1e6);
  if (row.route !== undefined) batch.text("http.route").putText(at, row.route);
  if (row.address !== undefined) batch.text("source.address").putText(at, row.address);
  if (row.action !== undefined) batch.text("event.action").putText(at, row.action);
  if (row.instance !== undefined) batch.text("service.node.name").putText(at, row.instance);
  if (row.connections !== undefined)
    batch.number("haproxy.connections.active").put(at, row.connections);
  batch.commit();
}

describe("live window", () => {
  test("visitors of a stored minute are not counted twice when they return", () => {
    const { live, see, frames, clock } = openLive();
    see([
      { ago: 60, status: 200, address: "10.0.0.1" },
      { ago: 61, status: 200, address: "10.0.0.2" },
    ]);
    const cells = frames
      .takeCells()
      .filter((cell) => cell.levelS === 60 && cell.measure === "users");
    const restarted = new LiveWindow(clock);
    for (const { t, sketch } of cells) {
      const at = { dataset: "nginx.access", tMs: t * 1000 };
      restarted.mergeSketch(users, at, sketch ?? new Uint8Array());
    }
    expect(cells.length).toBeGreaterThan(0);
    expect(restarted.frame("nginx.access").metrics["users_connected"]).toBe(
      live.frame("nginx.access").metrics["users_connected"],
    );
    clock.now += 6 * 60_000;
    expect(restarted.frame("nginx.access").metrics["users_connected"]).toBe(0);
  });

  test("rates, errors and response times cover the last minute", () => {
    const { live, see } = openLive();
    see([
      ...Array.from({ length: 99 }, (_, i) => ({ ago: i % 60, status: 200, ms: 10 })),
      { ago: 3, status: 500, ms: 1000 },
      { ago: 70, status: 500, ms: 5000 },
    ]);
    const frame = LiveFrame.parse(live.frame("nginx.access"));
    expect(frame.metrics["requests_per_second"]).toBeCloseTo(100 / 60.5, 6);
    expect(frame.metrics["error_ratio"]).toBeCloseTo(0.01, 6);
    expect(Math.abs((frame.metrics["response_time_p50"] ?? 0) - 10)).toBeLessThan(0.2);
    expect(frame.metrics["response_time_p99"]).toBeLessThan(1021);
    expect(frame.newestEventMs).toBe(NOW_S * 1000);
    expect(frame.newestArrivalMs).toBe(NOW_MS);
  });

  test("a frame has only the seconds that changed since the last one", () => {
    const { live, see } = openLive();
    see([
      { ago: 1, status: 200 },
      { ago: 2, status: 200 },
    ]);
    expect(live.frame("nginx.access").seconds.map(({ tMs }) => tMs / 1000 - NOW_S)).toEqual([
      -2, -1,
    ]);
    expect(live.frame("nginx.access").seconds).toEqual([]);
    see([{ ago: 2, status: 503 }]);
    const [late] = live.frame("nginx.access").seconds;
    expect(late).toMatchObject({ tMs: (NOW_S - 2) * 1000, requests: 2, errors: 1 });
    expect(live.snapshot("nginx.access").seconds).toHaveLength(2);
  });

  test("events older than an hour or ahead of the clock are not live", () => {
    const { live, see } = openLive();
    see([
      { ago: 3600, status: 200 },
      { ago: -60, status: 200 },
      { ago: -86_000, status: 200 },
    ]);
    const frame = live.frame("nginx.access");
    expect(frame.seconds).toEqual([]);
    expect(frame.newestArrivalMs).toBeNull();
  });

  test("events slightly ahead of the clock become live in their second", () => {
    const { clock, live, see } = openLive();
    see([{ ago: -2, status: 200 }]);
    expect(live.frame("nginx.access").metrics["requests_per_second"]).toBe(0);
    clock.now += 3000;
    expect(live.frame("nginx.access").metrics["requests_per_second"]).toBeGreaterThan(0);
  });

  test("users are the distinct visitors of the last five minutes", () => {
    const { clock, live, see } = openLive();
    see([
      { ago: 10, status: 200, address: "198.51.100.1" },
      { ago: 250, status: 200, address: "198.51.100.1" },
      { ago: 250, status: 200, address: "198.51.100.2" },
    ]);
    expect(live.frame("nginx.access").metrics["users_connected"]).toBe(2);
    clock.now += 120_000;
    expect(live.frame("nginx.access").metrics["users_connected"]).toBe(1);
    clock.now += 400_000;
    expect(live.frame("nginx.access").metrics["users_connected"]).toBe(0);
  });

  test("after the clock was set back, visitors, routes, instances and the newest event are those of the new time", () => {
    const { clock, live, see } = openLive();
    const before = { status: 200, ms: 5, route: "/before", instance: "before" };
    // One event in each granule of every length.
    see(Array.from({ length: 300 }, (_, ago) => ({ ...before, ago, address: `10.0.0.${ago}` })));
    clock.now -= 3_600_000;
    const ago = 3_600;
    const after = { status: 200, ms: 5, route: "/after", instance: "after" };
    see([
      { ...after, ago: ago + 2, address: "10.0.1.1" },
      { ...after, ago: ago + 200, address: "10.0.1.2" },
    ]);
    const frame = live.frame("nginx.access");
    expect(frame.metrics["users_connected"]).toBe(2);
    expect(frame.topRoutes).toMatchObject([{ route: "/after", requests: 2 }]);
    expect(frame.instances).toEqual(["after"]);
    expect(frame.newestEventMs).toBe((NOW_S - ago - 2) * 1000);
    see([{ ...before, ago: ago + 1, address: "10.0.1.1" }]);
    expect(live.frame("nginx.access").instances).toEqual(["after", "before"]);
  });

  test("turnover counts sign-ins and sign-outs of the last 5, 15 and 60 minutes", () => {
    const { live, see } = openLive();
    const signIn = { status: 302, action: "user-sign-in" };
    see([
      { ago: 20, ...signIn },
      { ago: 400, ...signIn },
      { ago: 2000, ...signIn },
      { ago: 30, status: 302, action: "user-sign-out" },
    ]);
    expect(live.frame("nginx.access").turnover).toEqual({
      "5": { signIns: 1, signOuts: 1 },
      "15": { signIns: 2, signOuts: 1 },
      "60": { signIns: 3, signOuts: 1 },
    });
  });

  test("the busiest routes come first, with their errors and response time", () => {
    const { live, see } = openLive();
    see([
      ...Array.from({ length: 30 }, (_, i) => ({ ago: i, status: 200, ms: 20, route: "/cart" })),
      ...Array.from({ length: 12 }, (_, n) => ({ ago: n, status: 200, ms: 5, route: `/r${n}` })),
      { ago: 5, status: 502, ms: 20, route: "/cart" },
    ]);
    const { topRoutes } = live.frame("nginx.access");
    expect(topRoutes).toHaveLength(10);
    expect(topRoutes[0]).toMatchObject({ route: "/cart", requests: 31, errors: 1 });
    expect(Math.abs((topRoutes[0]?.p95Ms ?? 0) - 20)).toBeLessThan(0.41);
  });

  test("instances are those that served requests in the last minute", () => {
    const { live, see } = openLive();
    see([
      { ago: 5, status: 200, instance: "web2" },
      { ago: 6, status: 200, instance: "web1" },
      { ago: 90, status: 200, instance: "web3" },
    ]);
    expect(live.frame("nginx.access").instances).toEqual(["web1", "web2"]);
  });

  test("a gauge covers the last minute, and is absent if no event has a value", () => {
    const { clock, live, see } = openLive();
    see([
      { ago: 90, connections: 500 },
      { ago: 30, status: 200, connections: 7 },
      { ago: 5, connections: 3 },
    ]);
    see([
      { ago: 30, connections: 12 },
      { ago: 1, dataset: "apache.access", status: 200 },
    ]);
    expect(live.frame("nginx.access").metrics).toMatchObject({
      connections_last: 3,
      connections_min: 3,
      connections_max: 12,
      connections_mean: expect.closeTo(22 / 3, 6),
    });
    expect(live.frame("apache.access").metrics).not.toHaveProperty("connections_last");
    clock.now += 120_000;
    expect(live.frame("nginx.access").metrics).not.toHaveProperty("connections_last");
  });

  test("each dataset has its own window", () => {
    const { live, see } = openLive();
    see([
      { ago: 1, status: 200 },
      { ago: 1, dataset: "apache.access" },
    ]);
    expect(live.datasets().toSorted()).toEqual(["apache.access", "nginx.access"]);
    expect(live.frame("nginx.access").seconds[0]?.["requests"]).toBe(1);
    expect(live.frame("nothing.yet").newestEventMs).toBeNull();
  });

  test("a flood of routes, instances and late seconds uses little memory", () => {
    const { live, see } = openLive();
    const flood = (length: number, ago: (i: number) => number) =>
      Array.from({ length }, (_, i) => ({
        ago: ago(i),
        status: 200,
        ms: 5,
        route: `/${i}/${"x".repeat(600)}`,
        instance: `${i}${"y".repeat(600)}`,
        address: `${i}`,
      }));
    see(flood(5000, (i) => i % 20));
    see(flood(3000, (i) => i));
    const frame = live.frame("nginx.access");
    expect(JSON.stringify(frame).length).toBeLessThan(12_000);
    let seconds = frame.seconds.length;
    for (let more = 1; more > 0; seconds += more) more = live.frame("nginx.access").seconds.length;
    expect(seconds).toBe(3000);
  });
});

describe("cells", () => {
  test("folding rows in pieces gives the same cells as folding them at once", () => {
    const rows: Row[] = Array.from({ length: 500 }, (_, i) => ({
      ago: (i * 37) % 9000,
      status: [200, 404, 500][i % 3] ?? 200,
      ms: i,
      route: `/r${i % 5}`,
      address: `${i % 90}`,
      ...(i % 50 === 0 ? { action: "user-sign-in" } : {}),
    }));
    const cellsOf = (cuts: readonly number[]) => {
      const { batch, frames } = openLive();
      for (const row of rows) write(batch, row);
      let from = 0;
      for (const to of [...cuts, rows.length]) {
        frames.fold(from, to, false);
        from = to;
      }
      const cells = frames.takeCells();
      expect(frames.takeCells()).toEqual([]);
      return cells.map((cell) => JSON.stringify(cell)).toSorted();
    };
    expect(cellsOf([1, 100, 499])).toEqual(cellsOf([]));
    const requests = (levelS: number) =>
      cellsOf([])
        .map((cell) => JSON.parse(cell) as { levelS: number; measure: string; value: number })
        .filter((cell) => cell.measure === "requests" && cell.levelS === levelS)
        .reduce((sum, { value }) => sum + value, 0);
    expect(requests(60)).toBe(500);
    expect(requests(3600)).toBe(500);
  });

  test("a reset batch may reuse its dictionary numbers for other values", () => {
    const { batch, frames } = openLive();
    write(batch, { ago: 1, status: 200, route: "/before" });
    frames.fold(0, 1, false);
    frames.takeCells();
    batch.reset();
    frames.reset();
    write(batch, { ago: 1, dataset: "apache.access", status: 200, route: "/after" });
    frames.fold(0, 1, false);
    const route = frames.takeCells().find(({ measure }) => measure === "route");
    expect(route).toMatchObject({ dataset: "apache.access", key: "2xx /after", levelS: 3600 });
  });
});
