import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { gitlabJob } from "./gitlab-job.ts";

test("the job is the one of the documentation", () => {
  const docs = readFileSync(new URL("../../../docs/deploys.md", import.meta.url), "utf8");
  expect(docs).toContain(
    gitlabJob({ workload: "billing", url: "https://quarterdeck.example.com" }),
  );
});
