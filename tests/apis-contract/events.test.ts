import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";

import { testService } from "#api/kit/testing.ts";
import { managementEvents } from "#api/management/events.ts";
import { management } from "#api/management/service.ts";
import { factOf } from "#api/reporting/domain/events.ts";

import { valid } from "./arbitraries.ts";
import { documentOf } from "./fuzz.ts";
import { SUBJECTS } from "./subjects.ts";

const SOURCES = ["billing", "accounts"] as const;

test.each(SOURCES)("Reporting accepts all events of %s that the schemas allow", (source) => {
  const { events = [] } = SUBJECTS.find((it) => it.service.name === source)?.service ?? {};
  const facts = new Set<string>();
  for (const { type, data } of events) {
    // Some of the values do not match a pattern of the schema.
    const values = valid(z.toJSONSchema(data), {}).filter((it) => data.safeParse(it).success);
    const check = fc.property(values, (made) => {
      const event = {
        id: "1",
        type: `${source}.${type}`,
        at: "2026-11-24T12:00:00.000Z",
        data: z.record(z.string(), z.unknown()).parse(made),
      };
      const fact = factOf(source, event, (id) => id);
      if (fact.kind === "fact") facts.add(fact.fact);
      expect(fact).not.toMatchObject({ kind: "rejected" });
    });
    fc.assert(check);
  }
  expect(facts.size).toBeGreaterThan(1);
});

test("the feed documents every event with its data, and also has events of earlier releases", async () => {
  await using service = await testService(management);
  const document = await documentOf(service);
  const content = document.paths["/v1/events"]?.["get"]?.responses["200"]?.content;
  const text = JSON.stringify(content?.["application/json"]?.schema);
  for (const { type } of managementEvents) expect(text).toContain(`"const":"management.${type}"`);
  await service.database.query(
    "INSERT INTO events (type, subject, at, data) VALUES ('management.secret.put', 's', now(), $1)",
    [{ of: "an earlier release" }],
  );
  await expect
    .poll(async () => (await service.send("GET", "/v1/events", { as: service.root })).json)
    .toMatchObject({ items: [{ data: { of: "an earlier release" } }] });
});
