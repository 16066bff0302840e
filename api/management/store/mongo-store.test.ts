import type { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe } from "vitest";

import { type MongoStandIn, startMongo } from "../../../tests/servers/mongo.ts";
import { mongoClient, openMongoStore } from "../schema/mongo-store.ts";
import { testSettingsStore } from "./contract.ts";
import type { SettingsStore } from "./port.ts";

const server: MongoStandIn | undefined = await startMongo();
let client: MongoClient;
let store: SettingsStore;

beforeAll(async () => {
  if (server === undefined) return;
  client = mongoClient(server.url);
  store = await openMongoStore(client);
});

afterAll(async () => {
  await store?.close();
  await server?.[Symbol.asyncDispose]();
});

const noTransaction = { query: () => Promise.reject(new Error("MongoDB speaks no SQL")) };

describe.skipIf(server === undefined)("the store in MongoDB", () => {
  testSettingsStore(() => ({ store, inTransaction: (work) => work(noTransaction) }));
});
