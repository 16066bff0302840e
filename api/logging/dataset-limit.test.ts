import { expect, test } from "vitest";

import { DATASETS_MAX } from "#pipeline/datasets.ts";

import { testLogging } from "./testing.ts";

const line = (dataset: string): string =>
  JSON.stringify({ "data_stream.dataset": dataset, message: "a" });
const NDJSON = { "content-type": "application/x-ndjson" };

test("of 50,000 dataset names in pushed lines, 1,000 are accepted, and the refusal names the field and the limit", async () => {
  await using service = await testLogging();
  let accepted = 0;
  for (let request = 0; request < 10; request += 1) {
    const lines = Array.from({ length: 5_000 }, (_, i) => line(`random.${request * 5_000 + i}`));
    const body = [...lines, line("random.0")].join("\n");
    const answer = await service.send("POST", "/v1/logs/batch", {
      as: service.root,
      body: Buffer.from(body),
      headers: NDJSON,
    });
    expect(answer.status).toBe(202);
    accepted += (answer.json as { accepted: number }).accepted;
  }
  // The known name in each request is accepted too.
  expect(accepted).toBe(DATASETS_MAX + 10);
  const one = await service.send("POST", "/v1/logs", {
    as: service.root,
    body: { "data_stream.dataset": "one.too.many", message: "a" },
  });
  expect(one.status).toBe(422);
  expect(one.json).toMatchObject({
    errors: [
      {
        path: "body.data_stream.dataset",
        code: "too_many_datasets",
        message: expect.stringContaining("already 1000, the maximum"),
      },
    ],
  });
  const known = await service.send("POST", "/v1/logs", {
    as: service.root,
    body: { "data_stream.dataset": "random.7", message: "a" },
  });
  expect(known.status).toBe(202);
});
