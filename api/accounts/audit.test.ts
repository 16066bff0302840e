import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { openDeriver } from "#collectors/derive/derive.ts";
import { parseRequestPattern } from "#collectors/derive/request-pattern.ts";
import { ecs } from "#collectors/formats/ecs.ts";
import { derivationSettings } from "#collectors/settings.ts";
import type { SourceId } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { FrameAccumulator } from "#pipeline/fold/accumulator.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import { systemClock } from "#platform/clock.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import { RATES } from "./domain/throttle.ts";
import { type TestAccounts, signIn, signUp, testAccounts, trySignIn } from "./testing.ts";

const auditOf = async (service: TestAccounts, as: string, query = "") => {
  const response = await service.send("GET", `/v1/audit${query}`, { as });
  const items: Record<string, unknown>[] = Object(response.json).items ?? [];
  return { status: response.status, items };
};

test("actions are audited with actor, address and outcome", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await trySignIn(service, { ...account, password: "not the password" });
  const { accessToken: as } = await signIn(service, account);
  await service.send("DELETE", "/v1/session", { as });
  const { items } = await auditOf(service, service.root, `?about=${account.id}`);
  expect(items.map((it) => `${String(it["action"])} ${String(it["outcome"])}`)).toEqual([
    "session.end success",
    "session.start success",
    "session.start failure",
    "account.create success",
  ]);
  expect(items[2]).toMatchObject({
    actor: "anonymous",
    subject: account.id,
    address: expect.stringContaining("127.0.0.1"),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    detail: { reason: "wrong password" },
  });
});

test("accounts read their own entries only; the permission reads all", async () => {
  await using service = await testAccounts();
  const [one, two] = [await signUp(service), await signUp(service)];
  const { accessToken: as } = await signIn(service, one);
  const own = await auditOf(service, as);
  expect(own.items.length).toBeGreaterThan(0);
  expect(own.items.every((it) => it["subject"] === one.id)).toBe(true);
  expect((await auditOf(service, as, `?about=${two.id}`)).status).toBe(404);
  expect((await auditOf(service, service.root, "?limit=1")).items).toHaveLength(1);
});

test("the audit trail is append-only", async () => {
  await using service = await testAccounts();
  await signUp(service);
  const { database } = service;
  await expect(database.query("UPDATE audit SET actor = 'nobody'")).rejects.toThrow("append-only");
  await expect(database.query("DELETE FROM audit")).rejects.toThrow("append-only");
  await expect(database.query("TRUNCATE audit")).rejects.toThrow("append-only");
});

test("continued guessing does not fill the audit trail", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  for (let attempts = 0; attempts < RATES.pair.burst + 12; attempts += 1) {
    await trySignIn(service, { ...account, password: "not the password" });
  }
  const { items } = await auditOf(service, service.root, "?outcome=failure&limit=100");
  expect(items).toHaveLength(RATES.pair.burst + 1);
});

test("audit trail, events and log contain no passwords or tokens", async () => {
  await using service = await testAccounts();
  const account = await signUp(service, { password: "an unmistakable secret" });
  const tokens = await signIn(service, account);
  await trySignIn(service, { ...account, password: "an unmistakable guess" });
  const { database } = service;
  const stored = JSON.stringify([
    await database.query("SELECT * FROM audit"),
    await database.query("SELECT * FROM events"),
    await database.query("SELECT * FROM sessions"),
    service.lines,
  ]);
  for (const secret of [
    "unmistakable",
    tokens.accessToken,
    tokens.refreshToken,
    String(tokens.deviceToken),
  ]) {
    expect(stored).not.toContain(secret);
  }
  expect(JSON.stringify(service.lines)).not.toContain(account.id);
});

/** Ingests log lines as the pipeline does: format, derived fields, store. */
async function inPipeline(lines: readonly unknown[]) {
  const folder = await mkdtemp(path.join(tmpdir(), "turnover-"));
  const store = await openEmbeddedStore({ folder, clock: systemClock });
  const batch = new Batch(lines.length);
  const scan = ecs.open(batch, { zone: UTC, nowMs: systemClock.nowMs() });
  for (const [index, line] of lines.entries()) {
    const bytes = Buffer.from(JSON.stringify(line));
    expect(scan(bytes, 0, bytes.length)).toBeUndefined();
    batch.text("log.source.id").putText(batch.rows, "src_accounts");
    batch.number("log.offset").put(batch.rows, index);
    batch.commit();
  }
  const { index: rules } = parseSettings({ index: derivationSettings }, {});
  openDeriver(batch, {
    signIn: rules.signIn.map(parseRequestPattern),
    signOut: rules.signOut.map(parseRequestPattern),
  }).derive(0, batch.rows);
  const frames = new FrameAccumulator(batch);
  frames.fold(0, batch.rows, false);
  const source: SourceId = "src_accounts";
  await store.append(batch, frames.takeCells(), new Map([[source, { offset: lines.length }]]));
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test("sign-ins and sign-outs in the log count once, failed ones not at all", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  await trySignIn(service, { ...account, password: "not the password" });
  const first = await signIn(service, account);
  await signIn(service, account);
  await signIn(service, account);
  await service.send("DELETE", "/v1/session", { as: first.accessToken });
  await using pipeline = await inPipeline(service.lines);
  const span = { fromMs: service.clock.now - 60_000, toMs: service.clock.now + 60_000 };
  const count = async (metric: string): Promise<unknown> => {
    const response = await runQuery(pipeline.store, { metric, where: [], ...span });
    return response.series[0]?.value;
  };
  expect(await count("sign_ins")).toBe(3);
  expect(await count("sign_outs")).toBe(1);
  const events = service.lines.filter((it) => it["event.action"] === "user-sign-in");
  expect(events.at(-1)).toMatchObject({
    "event.category": ["authentication", "session"],
    "event.type": ["start"],
    "event.outcome": "success",
    "user.hash": expect.stringMatching(/^[0-9a-f]{32}$/),
    "session.id": expect.stringMatching(/^[0-9a-f]{32}$/),
    "trace.id": expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});
