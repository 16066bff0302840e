import { expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { management } from "./service.ts";

type Running = Awaited<ReturnType<typeof testService>>;

async function prepare(service: Running): Promise<void> {
  const yaml =
    "format: 1\napplication: shop\nsettings: {size: {description: '', schema: {type: integer}, default: 0}}";
  const body = { yaml, reason: "start" };
  const path = "/v1/applications/shop/import";
  expect((await service.send("POST", path, { as: service.root, body })).status).toBe(200);
}

async function setSize(service: Running, value: number): Promise<void> {
  const response = await service.send("PUT", "/v1/settings/shop/values/size", {
    as: service.root,
    headers: { "if-match": "*" },
    body: { value, reason: "grow" },
  });
  expect(response.status).toBe(200);
}

async function sizeAt(service: Running, headers: Record<string, string> = {}): Promise<unknown> {
  const path = "/v1/settings/shop/resolved";
  const response = await service.send("GET", path, { as: service.root, headers });
  return (response.json as { settings: { size: number } }).settings.size;
}

/** The read-after header of an instance with replicas; requests that send one bypass the cache. */
const READ_AFTER = { "read-after": "0/1" };

test("a process sees changes of another one, immediately with read-after", async () => {
  await using one = await testService(management);
  await using two = await testService(management, { databaseUrl: one.databaseUrl });
  await prepare(one);
  for (let value = 1; value <= 20; value += 1) {
    await sizeAt(two);
    await setSize(one, value);
    expect(await sizeAt(two, READ_AFTER)).toBe(value);
    expect(await sizeAt(one)).toBe(value);
  }
  await setSize(one, 100);
  await expect.poll(() => sizeAt(two)).toBe(100);
});

test("a process without notifications reads from the database every time", async () => {
  await using one = await testService(management);
  await using two = await testService(management, { databaseUrl: one.databaseUrl });
  await prepare(one);
  expect(await sizeAt(two)).toBe(0);
  for (let value = 1; value <= 5; value += 1) {
    await one.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'management listener'`,
    );
    await setSize(one, value);
    await expect.poll(() => sizeAt(two)).toBe(value);
  }
});

test("repeated reads are answered from the cache", async () => {
  await using service = await testService(management);
  await prepare(service);
  await expect
    .poll(async () => {
      const before = await sizeAt(service);
      await service.database.query("ALTER TABLE applications RENAME TO hidden");
      const path = "/v1/settings/shop/resolved?product=web";
      const { status } = await service.send("GET", path, { as: service.root });
      await service.database.query("ALTER TABLE hidden RENAME TO applications");
      return [before, status];
    })
    .toEqual([0, 200]);
});
