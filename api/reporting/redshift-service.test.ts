import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { testService } from "#api/kit/testing.ts";
import { reporting } from "#server/apis/reporting.ts";

import { TEST_CREDENTIALS, fakeS3 } from "./warehouse/testing-aws.ts";
import { GOLDEN } from "./warehouse/testing-golden.ts";
import { GOLDEN_FEEDS } from "./warehouse/testing-history.ts";
import { fakeRedshift } from "./warehouse/testing-redshift.ts";

/** The golden history of Billing in one page. */
async function billingFeed(): Promise<string> {
  const server = createServer((request, response) => {
    const cursor = new URL(request.url ?? "", "http://feed").searchParams.get("cursor");
    const items = cursor === null ? GOLDEN_FEEDS.billing : [];
    response.end(JSON.stringify({ items, next: "end" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("with WAREHOUSE_URL, facts are loaded from the feed through S3 into Redshift, which computes the reports", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "qd-reporting-redshift-"));
  const warehouseUrl = await newDatabase();
  const s3 = await fakeS3();
  const redshift = await fakeRedshift(warehouseUrl, s3.objects);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
  vi.stubEnv("AWS_ACCESS_KEY_ID", TEST_CREDENTIALS.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", TEST_CREDENTIALS.secretAccessKey);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await redshift.close();
    await s3.close();
    await dropDatabase(warehouseUrl);
    await rm(folder, { recursive: true, force: true });
  });
  const url = new URL(warehouseUrl);
  url.port = String(redshift.port);
  const address = url.href.replace(/^postgres(?:ql)?:/, "redshift:");
  await using service = await testService(reporting, {
    env: {
      QUARTERDECK_DATA: folder,
      API_BILLING_URL: await billingFeed(),
      API_ACCOUNTS_URL: "http://127.0.0.1:9",
      WAREHOUSE_URL: `${address}?sslmode=disable&region=eu-central-1`,
      WAREHOUSE_S3: "s3://lake/facts",
      WAREHOUSE_IAM_ROLE: "arn:aws:iam::123456789012:role/copy",
    },
  });
  expect((await service.send("GET", "/readyz")).status).toBe(200);
  const revenue = () =>
    service.send("GET", "/v1/reports/revenue?from=2026-01-01&to=2026-04-01&step=month", {
      as: service.root,
    });
  for (let turn = 0; turn < 3; turn += 1) {
    service.clock.now += 11_000;
    await service.runJobs();
  }
  const { rows } = (await revenue()).json as { rows: Record<string, unknown>[] };
  expect(rows.map((row) => Object.values(row))).toEqual(GOLDEN[0]?.rows);
  expect(redshift.statements.filter((it) => it.startsWith("COPY")).length).toBe(s3.objects.size);
  expect([...s3.objects.keys()][0]).toMatch(/^lake\/facts\//);
});
