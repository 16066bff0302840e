import { expect, test } from "vitest";

import { TEST_ROOT_KEY, testService } from "#api/kit/testing.ts";

import { watch as watchStore } from "./commands/watch.ts";
import type { Revision } from "./domain/application.ts";
import { management } from "./service.ts";
import type { SettingsStore } from "./store/port.ts";

type Running = Awaited<ReturnType<typeof testService>>;
type Event = { event: string; id: string; data: string };

async function prepare(service: Running): Promise<void> {
  const as = service.root;
  const shop = { name: "shop", description: "", reason: "start" };
  await service.send("POST", "/v1/applications", { as, body: shop });
  const definition = { description: "", schema: { type: "integer" }, default: 0 };
  const body = { definition, reason: "start" };
  const path = "/v1/settings/shop/definitions/size";
  expect((await service.send("PUT", path, { as, body })).status).toBe(200);
}

async function setSize(service: Running, value: number, place = ""): Promise<void> {
  const answer = await service.send("PUT", `/v1/settings/shop/values/size${place}`, {
    as: service.root,
    headers: { "if-match": "*" },
    body: { value, reason: "grow" },
  });
  expect(answer.status).toBe(200);
}

/** A stream of server-sent events; `next` waits for one. */
async function watch(service: Running, query = "", lastEventId?: string) {
  return watchAs(TEST_ROOT_KEY, service, { query, lastEventId });
}

type Watching = { query?: string; lastEventId?: string | undefined };

async function watchAs(
  token: string,
  service: Running,
  { query = "", lastEventId }: Watching = {},
) {
  const left = new AbortController();
  const response = await fetch(`${service.url}/v1/watch?application=shop${query}`, {
    signal: left.signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
  });
  const events = eventsOf(response);
  return {
    response,
    next: async () => (await events.next()).value as Event | undefined,
    async close() {
      left.abort();
      await events.return(undefined).catch(() => undefined);
    },
  };
}

async function* eventsOf(response: Response): AsyncGenerator<Event> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string): string =>
        new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
      if (field("event") !== "") {
        yield { event: field("event"), id: field("id"), data: field("data") };
      }
    }
  }
}

test("a change is streamed with who, why and its changes, also from another process", async () => {
  await using one = await testService(management);
  await using two = await testService(management, { databaseUrl: one.databaseUrl });
  await prepare(one);
  const stream = await watch(two);
  expect(await stream.next()).toMatchObject({ event: "ready", id: "2" });
  await setSize(one, 5);
  const received = await stream.next();
  expect(received).toMatchObject({ event: "revision", id: "3" });
  expect(JSON.parse(received?.data ?? "")).toMatchObject({
    by: "root",
    reason: "grow",
    changes: [{ kind: "value", key: "size", after: 5 }],
  });
  await stream.close();
});

test("reconnecting with the last id misses and repeats nothing", async () => {
  await using service = await testService(management);
  await prepare(service);
  const first = await watch(service);
  await first.next();
  await setSize(service, 1);
  const last = await first.next();
  await first.close();
  for (let value = 2; value <= 130; value += 1) await setSize(service, value);
  const again = await watch(service, "", last?.id);
  expect(await again.next()).toMatchObject({ event: "ready", id: "3" });
  const ids: number[] = [];
  while (ids.at(-1) !== 132) ids.push(Number((await again.next())?.id));
  expect(ids).toEqual(Array.from({ length: 129 }, (_, index) => index + 4));
  await again.close();
});

test("concurrent changes are each streamed once and in order", async () => {
  await using service = await testService(management);
  await prepare(service);
  const stream = await watch(service);
  await stream.next();
  const values = Array.from({ length: 20 }, (_, index) => index + 1);
  await Promise.all(values.map((value) => setSize(service, value)));
  const ids: number[] = [];
  while (ids.at(-1) !== 22) ids.push(Number((await stream.next())?.id));
  expect(ids).toEqual(values.map((value) => value + 2));
  await stream.close();
});

test("a watch of one place streams only changes of that place", async () => {
  await using service = await testService(management);
  await prepare(service);
  const stream = await watch(service, "&product=web&environment=live");
  await stream.next();
  await setSize(service, 1, "?product=app");
  await setSize(service, 2, "?environment=staging");
  await setSize(service, 3, "?product=web");
  expect(await stream.next()).toMatchObject({ id: "5" });
  await stream.close();
});

test("streams end when the service stops, and are limited per caller", async () => {
  const service = await testService(management);
  await prepare(service);
  const streams = await Promise.all(Array.from({ length: 100 }, () => watch(service)));
  for (const stream of streams) expect((await stream.next())?.event).toBe("ready");
  const tooMany = await watch(service);
  expect(tooMany.response.status).toBe(429);
  await streams.pop()?.close();
  await expect
    .poll(async () => {
      const more = await watch(service);
      streams.push(more);
      return more.response.status;
    })
    .toBe(200);
  await service.stop();
  for (const stream of streams) {
    while ((await stream.next().catch(() => undefined)) !== undefined);
  }
});

test("a watch of an unknown application or from a future revision is refused", async () => {
  await using service = await testService(management);
  const as = service.root;
  expect((await service.send("GET", "/v1/watch?application=none", { as })).status).toBe(404);
  await prepare(service);
  for (const id of ["99", "x", "-1", "9".repeat(30)]) {
    const headers = { "last-event-id": id };
    const answer = await service.send("GET", "/v1/watch?application=shop", { as, headers });
    expect(answer.status).toBe(400);
  }
});

test("a stream ends when its token expires", async () => {
  await using service = await testService(management);
  await prepare(service);
  const token = await service.token({ scope: "management:settings:read/shop", expiresInS: 1 });
  const stream = await watchAs(token, service);
  expect(await stream.next()).toMatchObject({ event: "ready" });
  expect(await stream.next()).toBeUndefined();
  const longer = await service.token({ scope: "management:*", expiresInS: 86_400 * 365 * 50 });
  const kept = await watchAs(longer, service);
  await kept.next();
  await setSize(service, 1);
  expect(await kept.next()).toMatchObject({ event: "revision" });
  await kept.close();
});

test("a watch sends heartbeats while all changes are elsewhere", async () => {
  const content = { description: "", settings: {}, flags: {} };
  const facts = { application: "shop", atMs: 0, by: "root", reason: "r", content };
  // An application that changes continuously.
  const since = (_: unknown, _name: string, { after }: { after: number }): Promise<Revision[]> =>
    Promise.resolve([{ ...facts, revision: after + 1 }]);
  // The watcher uses no other method of the store.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const store = { since, revision: () => Promise.resolve(undefined) } as unknown as SettingsStore;
  const events = watchStore(
    {
      store,
      database: { query: () => Promise.resolve([]) },
      wakeUps: { on: () => () => undefined },
    },
    {
      application: "shop",
      after: 1,
      place: { product: "web" },
      signal: new AbortController().signal,
      heartbeatMs: 1,
    },
  );
  const first = (await events.next()).value;
  expect(first).toMatchObject({ type: "quiet" });
  expect(first?.type === "quiet" && first.after).toBeGreaterThan(1);
  await events.return(undefined);
});
