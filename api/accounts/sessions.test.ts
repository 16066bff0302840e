import * as fc from "fast-check";
import { expect, test, vi } from "vitest";

import { REFRESH_GRACE_MS } from "./domain/session.ts";
import {
  type TestAccounts,
  type Tokens,
  signIn,
  signUp,
  testAccounts,
  tokenStatus,
  tokensIn,
} from "./testing.ts";

const refresh = (service: TestAccounts, refreshToken: string) =>
  service.send("POST", "/v1/sessions/refresh", { body: { refreshToken } });

test("a session that is ended by one worker is refused by the others", async () => {
  await using one = await testAccounts();
  await using two = await testAccounts({ databaseUrl: one.databaseUrl });
  const account = await signUp(one);
  const tokens = await signIn(two, account);
  const as = tokens.accessToken;
  // The second result is cached.
  expect([await tokenStatus(two, as), await tokenStatus(two, as)]).toEqual([200, 200]);
  const { accessToken } = await signIn(one, account);
  const end = await one.send("DELETE", `/v1/sessions/${tokens.session.id}`, { as: accessToken });
  expect(end.status).toBe(204);
  await vi.waitFor(async () => expect(await tokenStatus(two, as)).toBe(401), { timeout: 20_000 });
});

test("refresh tokens rotate; a repeated refresh returns the same successor; reuse ends the session", async () => {
  await using service = await testAccounts();
  const first = await signIn(service, await signUp(service));
  const second = tokensIn(await refresh(service, first.refreshToken));
  const again = tokensIn(await refresh(service, first.refreshToken));
  expect(again.refreshToken).toBe(second.refreshToken);
  service.clock.now += REFRESH_GRACE_MS + 1;
  expect((await refresh(service, first.refreshToken)).status).toBe(401);
  expect((await refresh(service, second.refreshToken)).status).toBe(401);
  await vi.waitFor(async () => expect(await tokenStatus(service, second.accessToken)).toBe(401), {
    timeout: 20_000,
  });
  const audit = await service.send("GET", "/v1/audit?action=session.end", { as: service.root });
  expect(audit.json).toMatchObject({ items: [{ detail: { reason: "refresh token reused" } }] });
});

test("concurrent refreshes return the same successor", async () => {
  await using service = await testAccounts();
  const { refreshToken } = await signIn(service, await signUp(service));
  const responses = await Promise.all([1, 2, 3, 4, 5].map(() => refresh(service, refreshToken)));
  expect(new Set(responses.map((it) => tokensIn(it).refreshToken)).size).toBe(1);
});

test("forged refresh tokens are refused", async () => {
  await using service = await testAccounts();
  const { refreshToken } = await signIn(service, await signUp(service));
  for (const wrong of [`${refreshToken.slice(0, -2)}AA`, "qdr_", "x", refreshToken.slice(0, 20)]) {
    expect((await refresh(service, wrong)).status).toBe(401);
  }
  expect((await refresh(service, refreshToken)).status).toBe(200);
});

test("a session ends after its idle timeout and after its maximum lifetime", async () => {
  const env = { QUARTERDECK_SESSION_IDLE_HOURS: "2", QUARTERDECK_SESSION_MAX_HOURS: "5" };
  await using service = await testAccounts({ env });
  const account = await signUp(service);
  const idle = await signIn(service, account);
  let active = await signIn(service, account);
  for (let hour = 0; hour < 3; hour += 1) {
    service.clock.now += 3_600_000 * 1.5;
    active = tokensIn(await refresh(service, active.refreshToken));
  }
  expect((await refresh(service, idle.refreshToken)).status).toBe(401);
  service.clock.now += 3_600_000;
  expect((await refresh(service, active.refreshToken)).status).toBe(401);
  await service.runJobs();
  const ends = service.lines.filter((it) => it["event.action"] === "user-sign-out");
  expect(ends).toHaveLength(2);
});

test("sessions can be listed and ended by their owner only", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const here = await signIn(service, account);
  for (let more = 0; more < 3; more += 1) {
    service.clock.now += 1;
    await signIn(service, account);
  }
  const path = `/v1/accounts/${account.id}/sessions`;
  const page = await service.send("GET", `${path}?limit=3`, { as: here.accessToken });
  expect(page.json).toMatchObject({ items: [{ id: here.session.id, current: true }, {}, {}] });
  const { next } = Object(page.json);
  const rest = await service.send("GET", `${path}?cursor=${next}`, { as: here.accessToken });
  expect(rest.json).toMatchObject({ items: [{ current: false }], next: null });
  const stranger = await signIn(service, await signUp(service));
  const as = stranger.accessToken;
  expect((await service.send("GET", path, { as })).status).toBe(404);
  expect((await service.send("DELETE", path, { as })).status).toBe(404);
  const one = `/v1/sessions/${here.session.id}`;
  expect((await service.send("DELETE", one, { as })).status).toBe(404);
  const ended = await service.send("DELETE", path, { as: here.accessToken });
  expect(ended.json).toEqual({ ended: 3 });
  expect(await tokenStatus(service, here.accessToken)).toBe(200);
});

type Step = { do: "refresh" | "reuse" | "wait" | "revoke"; pick: number };

test("any sequence of refreshes, reuses, waits and revocations leaves at most one valid refresh token", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const steps = fc.array(
    fc.record<Step>({
      do: fc.constantFrom("refresh", "reuse", "wait", "revoke"),
      pick: fc.nat(20),
    }),
    { minLength: 1, maxLength: 10 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const started = await signIn(service, account);
      const { current, issued, ended } = await walk(service, started, all);
      for (const token of issued) {
        if (token !== current) expect((await refresh(service, token)).status).toBe(401);
      }
      // Trying an old token was a reuse, which ended the session.
      const isLive = !ended && issued.size === 1;
      expect((await refresh(service, current)).status).toBe(isLive ? 200 : 401);
    }),
    { numRuns: 12 },
  );
});

type Model = { current: string; last: string; rotatedMs: number; ended: boolean };

/** Runs the steps against the service and a model of it: one valid token, with a grace period for the previous one. */
async function walk(service: TestAccounts, started: Tokens, steps: readonly Step[]) {
  const issued = new Set([started.refreshToken]);
  const model: Model = { current: started.refreshToken, last: "", rotatedMs: 0, ended: false };
  for (const step of steps) {
    if (step.do === "wait") {
      service.clock.now += REFRESH_GRACE_MS / 2 + 1;
    } else if (step.do === "revoke" && step.pick < 3) {
      await service.send("DELETE", `/v1/sessions/${started.session.id}`, { as: service.root });
      model.ended = true;
    } else {
      const old = [...issued][step.pick % issued.size] ?? "";
      await tryToken(service, model, step.do === "reuse" ? old : model.current);
      issued.add(model.current);
    }
  }
  service.clock.now += REFRESH_GRACE_MS + 1;
  return { ...model, issued };
}

async function tryToken(service: TestAccounts, model: Model, token: string): Promise<void> {
  const response = await refresh(service, token);
  const inGrace = service.clock.now - model.rotatedMs <= REFRESH_GRACE_MS;
  const isRepeat = token === model.last && inGrace;
  const isGood = !model.ended && (token === model.current || isRepeat);
  expect(response.status).toBe(isGood ? 200 : 401);
  if (!isGood) {
    model.ended = true;
  } else if (isRepeat) {
    expect(tokensIn(response).refreshToken).toBe(model.current);
  } else {
    model.last = model.current;
    model.rotatedMs = service.clock.now;
    model.current = tokensIn(response).refreshToken;
  }
}

test("housekeeping ends all expired sessions and deletes them later, in batches", async () => {
  await using service = await testAccounts();
  const account = await signUp(service);
  const { session } = await signIn(service, account);
  await service.database.query(
    `INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object('id', 'ses_' || n))).*
     FROM sessions s, generate_series(1, 1100) AS n WHERE s.id = $1`,
    [session.id],
  );
  service.clock.now += 400 * 86_400_000;
  await service.runJobs();
  const [live] = await service.database.query(
    "SELECT count(*)::int AS n FROM sessions WHERE ended_at IS NULL",
  );
  expect(live).toEqual({ n: 0 });
  const [left] = await service.database.query("SELECT count(*)::int AS n FROM sessions");
  expect(left).toEqual({ n: 0 });
});
