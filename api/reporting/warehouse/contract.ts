import * as fc from "fast-check";
import { expect, test } from "vitest";

import { reportNamed } from "../commands/reports.ts";
import type { FactBatch } from "../domain/facts.ts";
import type { Row } from "../domain/report.ts";
import type { Warehouse } from "./port.ts";
import { GOLDEN } from "./testing-golden.ts";
import { GOLDEN_REQUESTS, batchesOf, goldenBatches } from "./testing-history.ts";
import { ORACLES } from "./testing-oracle.ts";
import { type ReportParams, histories, reportParams } from "./testing-random-history.ts";

/** An engine, and how rows are loaded into it: as files of the lake. */
export type OpenWarehouse = AsyncDisposable & {
  warehouse: Warehouse;
  /** Writes the rows to the lake (replacing the day in a daily table) and loads them `times` times. */
  put(batch: FactBatch, times?: number): Promise<void>;
};

const LIMITS = { rowsMax: 10_000, waitMsMax: 30_000 };
const NOW_MS = Date.UTC(2026, 3, 1, 12);

const HISTORIES = 2;
/** Rows as sorted texts, because the order of currencies is unspecified. */
const inOrder = (rows: readonly Row[]): string[] => rows.map((row) => row.join(" ")).toSorted();

/** The parameters that a report accepts. */
function parametersOf(report: string, params: ReportParams): Record<string, string> {
  const { by, currency, ...rest } = params;
  const isOfMoney = report !== "sign-ups" && report !== "turnover";
  return {
    ...rest,
    ...(report === "revenue" ? { by } : {}),
    ...(isOfMoney && currency !== undefined ? { currency } : {}),
  };
}

export function testWarehouse(open: () => Promise<OpenWarehouse>): void {
  const compute = (warehouse: Warehouse, name: string, parameters: Record<string, string>) => {
    const report = reportNamed(name);
    if (report === undefined) throw new Error(`no report ${name}`);
    return report.compute(parameters, { warehouse, nowMs: NOW_MS, limits: LIMITS });
  };
  const shown = (rows: readonly (readonly (string | bigint | null)[])[]) =>
    rows.map((row) => row.map((cell) => (typeof cell === "bigint" ? Number(cell) : cell)));

  test("every report of the golden history has the values computed by hand", async () => {
    await using it = await open();
    for (const batch of goldenBatches()) await it.put(batch);
    for (const { report, parameters, rows } of GOLDEN) {
      const answer = await compute(it.warehouse, report, parameters);
      expect({ report, parameters, rows: shown(answer) }).toEqual({ report, parameters, rows });
    }
  });

  test(
    "for any history the reports equal plain loops over its events",
    { timeout: 120_000 },
    async () => {
      const property = fc.asyncProperty(
        histories,
        fc.array(reportParams, { minLength: 8, maxLength: 8 }),
        async (history, paramsList) => {
          await using it = await open();
          for (const batch of batchesOf(history)) await it.put(batch);
          for (const params of paramsList) {
            for (const [report, oracle] of Object.entries(ORACLES)) {
              const parameters = parametersOf(report, params);
              const rows = inOrder(await compute(it.warehouse, report, parameters));
              const expected = inOrder(oracle(history, params));
              expect({ report, parameters, rows }).toEqual({ report, parameters, rows: expected });
            }
          }
        },
      );
      await fc.assert(property, { numRuns: HISTORIES });
    },
  );

  test("when clocks differ, a later change never counts earlier: churn starts from the closing MRR", async () => {
    await using it = await open();
    const changed = (id: string, at: string, mrr: number) => ({
      id,
      type: "billing.subscription.changed",
      at,
      data: {
        subscriptionId: `s${id}`,
        customerId: "ann",
        planId: "basic",
        priceId: "p",
        status: "active",
        currency: "EUR",
        mrr,
      },
    });
    const history = [
      changed("1", "2026-02-01T00:00:00.010Z", 1_000),
      changed("2", "2026-01-31T23:59:59.990Z", 2_000),
    ];
    for (const batch of batchesOf(history)) await it.put(batch);
    const months = { from: "2026-01-01", to: "2026-04-01" };
    expect(shown(await compute(it.warehouse, "mrr", months)).map((row) => row.at(-1))).toEqual([
      0, 3_000, 3_000,
    ]);
    expect(shown(await compute(it.warehouse, "churn", months)).map((row) => row[5])).toEqual([
      0, 0, 3_000,
    ]);
  });

  test("a file loaded twice is counted once", async () => {
    await using it = await open();
    for (const batch of goldenBatches()) await it.put(batch, 2);
    const [golden] = GOLDEN;
    const rows = await compute(it.warehouse, "revenue", golden?.parameters ?? {});
    expect(shown(rows)).toEqual(golden?.rows);
  });

  test("loading a day of requests again replaces it", async () => {
    await using it = await open();
    const parameters = { from: "2026-01-05", to: "2026-01-06", costPerDay: "1", currency: "EUR" };
    const day = { fact: "requests", day: "2026-01-05" } as const;
    await it.put({ ...day, rows: GOLDEN_REQUESTS.slice(0, 2) });
    await it.put({ ...day, rows: GOLDEN_REQUESTS });
    const [row] = shown(await compute(it.warehouse, "cost-per-request", parameters));
    expect(row?.[1]).toBe(150);
  });

  test("an empty warehouse returns no rows", async () => {
    await using it = await open();
    await it.warehouse.ready();
    const quarter = { from: "2026-01-01", to: "2026-04-01" };
    expect(await compute(it.warehouse, "revenue", quarter)).toEqual([]);
    expect(await compute(it.warehouse, "mrr", quarter)).toEqual([]);
  });

  test("text of users is data and never SQL, and large sums stay exact", async () => {
    await using it = await open();
    const [golden] = [goldenBatches().find(({ fact }) => fact === "payments")];
    const row = { ...golden?.rows[0], amount: 999_999_999_999_999, reason: `'; DROP TABLE x; --"` };
    const rows = Array.from({ length: 20 }, (_, index) => ({
      ...row,
      event_key: `billing:big${index}`,
      payment_id: `big${index}`,
    }));
    await it.put({ fact: "payments", day: "2026-01-05", rows });
    const sums = await compute(it.warehouse, "revenue", { from: "2026-01-01", to: "2026-02-01" });
    expect(sums[0]?.[4]).toBe(20n * 999_999_999_999_999n);
    const service = `' OR 1 = 1; --`;
    const range = { from: "2026-01-01", to: "2026-02-01" };
    expect(await compute(it.warehouse, "response-time", { ...range, service })).toEqual([]);
  });

  test("too many rows and slow queries are reported as errors", async () => {
    await using it = await open();
    for (const batch of goldenBatches()) await it.put(batch);
    const query = {
      facts: [],
      columns: [{ name: "n", type: "integer" as const }],
      sql: () =>
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 50) SELECT n FROM t",
    };
    const few = it.warehouse.run(query, { rowsMax: 10, waitMsMax: 30_000 });
    await expect(few).rejects.toMatchObject({ code: "unprocessable" });
    const endless = {
      ...query,
      sql: () =>
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100000000) SELECT MAX(n) FROM t",
    };
    const late = it.warehouse.run(endless, { rowsMax: 10, waitMsMax: 300 });
    await expect(late).rejects.toMatchObject({ code: "unprocessable" });
    await it.warehouse.ready();
  });
}
