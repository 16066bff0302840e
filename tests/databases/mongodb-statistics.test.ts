import { MongoClient } from "mongodb";
import { afterAll, describe, expect, test } from "vitest";

import { MongodbSampler } from "#collectors/sources/databases/mongodb-sampler.ts";

import { startMongo } from "../harness/mongo-server.ts";

const stack = new AsyncDisposableStack();
const server = await startMongo();
if (server) stack.use(server);
const url = server?.url ?? "";

afterAll(() => stack.disposeAsync());

const samplerOf = (address: string): MongodbSampler =>
  new MongodbSampler(async () => ({ url: address, host: "127.0.0.1", port: 27_017 }));

/** The server speaks the protocol of MongoDB, but has neither replication nor users. */
describe.skipIf(!server)("the statistics of MongoDB", () => {
  test("connections are sampled", async () => {
    const client = await new MongoClient(url).connect();
    stack.defer(() => client.close());
    await client.db("shop").collection("orders").insertOne({ customer: 7 });
    const { events, advice } = await samplerOf(url).sample();
    expect(advice).toEqual([]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ "service.type": "mongodb" });
    expect(events[0]?.["db.connections.used"]).toBeGreaterThan(0);
  });
});

test("a server that is not there is named without the password", async () => {
  const failure = await samplerOf("mongodb://ann:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=300")
    .sample()
    .catch(String);
  expect(failure).toContain("127.0.0.1:27017: ");
  expect(failure).not.toContain("s3cret");
});
