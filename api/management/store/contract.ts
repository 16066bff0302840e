import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import type { Queryable } from "#platform/postgres/database.ts";

import type { Application, Content } from "../domain/application.ts";
import type { Commit, SettingsStore } from "./port.ts";

/** A store in which applications with new names do not exist, and a runner of PostgreSQL transactions. */
type OpenStore = {
  store: SettingsStore;
  inTransaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
};

const contentOf = (description: string): Content => ({ description, settings: {}, flags: {} });

function commitOf(name: string, version: number, more: Partial<Commit> = {}): Commit {
  const content = contentOf(`at ${version}`);
  const application: Application = {
    name,
    version,
    versions: { settings: {}, flags: {} },
    content,
    createdAtMs: 1,
    updatedAtMs: version,
  };
  const revision = { application: name, revision: version, atMs: version, by: "root", reason: "r" };
  return {
    application,
    revision: { ...revision, content },
    secrets: [],
    request: undefined,
    ...more,
  };
}

/** Contract of every store. */
export function testSettingsStore(open: () => OpenStore): void {
  const newName = (): string => `app-${randomUUID().slice(0, 18)}`;
  const commit = (change: Commit): Promise<boolean> =>
    open().inTransaction((tx) => open().store.commit(tx, change));
  async function grow(name: string, versions: number): Promise<void> {
    for (let version = 1; version <= versions; version += 1) {
      expect(await commit(commitOf(name, version))).toBe(true);
    }
  }

  test("reads of missing items return nothing", async () => {
    const { store, inTransaction } = open();
    const name = newName();
    expect(await inTransaction((tx) => store.load(tx, name))).toBeUndefined();
    expect(await store.peek(name, { version: 0 })).toBeUndefined();
    expect(await store.revision(name, 1)).toBeUndefined();
    expect(await store.history(name, { before: 9, limit: 9 })).toEqual([]);
    expect(await commit(commitOf(name, 2))).toBe(false);
  });

  test("a change and its revision become visible together, as written", async () => {
    const { store, inTransaction } = open();
    const name = newName();
    const odd = { "a.b": { $set: 1, z: 1, a: [null, 1.5, "é\u2028"] } };
    const first = commitOf(name, 1);
    const content = {
      ...first.application.content,
      settings: {
        odd: {
          definition: { description: "", schema: { type: "boolean" as const }, default: odd },
          values: { "*/*": odd },
        },
      },
    };
    const change = {
      ...first,
      application: { ...first.application, content },
      revision: { ...first.revision, content },
    };
    expect(await commit(change)).toBe(true);
    expect(await inTransaction((tx) => store.load(tx, name))).toEqual(change.application);
    expect(await store.peek(name, { version: 1 })).toEqual(change.application);
    expect(await store.revision(name, 1)).toEqual(change.revision);
    const seen = await store.peek(name, { version: 1 });
    expect(JSON.stringify(seen)).toBe(JSON.stringify(change.application));
  });

  test("of concurrent writes of one version, exactly one succeeds", async () => {
    const name = newName();
    const firsts = await Promise.all([1, 2, 3, 4].map(() => commit(commitOf(name, 1))));
    expect(firsts.filter(Boolean)).toHaveLength(1);
    const seconds = await Promise.all([1, 2, 3, 4].map(() => commit(commitOf(name, 2))));
    expect(seconds.filter(Boolean)).toHaveLength(1);
    expect(await commit(commitOf(name, 2))).toBe(false);
    expect(await commit(commitOf(name, 4))).toBe(false);
    const history = await open().store.history(name, { before: 99, limit: 99 });
    expect(history.map((it) => it.revision)).toEqual([2, 1]);
  });

  test("the history has every revision once, in both orders and in pages", async () => {
    const { store, inTransaction } = open();
    const name = newName();
    await grow(name, 7);
    const numbers = (all: { revision: number }[]): number[] => all.map((it) => it.revision);
    expect(numbers(await store.history(name, { before: 99, limit: 3 }))).toEqual([7, 6, 5]);
    expect(numbers(await store.history(name, { before: 5, limit: 9 }))).toEqual([4, 3, 2, 1]);
    const [newest] = await store.history(name, { before: 99, limit: 1 });
    // Without the content: a page of large ones would be a hundred megabytes.
    expect(newest).toEqual({ application: name, revision: 7, atMs: 7, by: "root", reason: "r" });
    const since = (after: number, limit: number) =>
      inTransaction((tx) => store.since(tx, name, { after, limit }));
    expect(numbers(await since(0, 3))).toEqual([1, 2, 3]);
    expect(numbers(await since(3, 9))).toEqual([4, 5, 6, 7]);
    expect(await since(7, 9)).toEqual([]);
    expect((await store.revision(name, 3))?.content).toEqual(contentOf("at 3"));
  });

  test("a revision is found by its request key, per application", async () => {
    const { store, inTransaction } = open();
    const [name, other] = [newName(), newName()];
    await commit(commitOf(name, 1, { request: "one" }));
    await commit(commitOf(name, 2, { request: "two" }));
    await commit(commitOf(name, 3));
    const done = (of: string, request: string) =>
      inTransaction(async (tx) => (await store.done(tx, of, request))?.revision);
    expect(await done(name, "one")).toBe(1);
    expect(await done(name, "two")).toBe(2);
    expect(await done(name, "three")).toBeUndefined();
    expect(await done(other, "one")).toBeUndefined();
  });

  test("applications that currently refer to a secret are found, former ones are not", async () => {
    const { store, inTransaction } = open();
    const name = newName();
    const secret = `secret-${name}`;
    await commit(commitOf(name, 1, { secrets: ["other", secret] }));
    expect(await inTransaction((tx) => store.referringTo(tx, secret))).toEqual([name]);
    await commit(commitOf(name, 2));
    expect(await inTransaction((tx) => store.referringTo(tx, secret))).toEqual([]);
  });

  test("applications are listed by name, each once", async () => {
    const { store } = open();
    const base = newName();
    const names = ["a", "b", "c"].map((end) => `${base}-${end}`);
    for (const name of names) await grow(name, 1);
    const listed = await store.list({ after: base, limit: 2 });
    expect(listed.map((it) => it.name)).toEqual(names.slice(0, 2));
    const rest = await store.list({ after: `${base}-b`, limit: 1 });
    expect(rest.map((it) => it.name)).toEqual(names.slice(2));
  });
}
