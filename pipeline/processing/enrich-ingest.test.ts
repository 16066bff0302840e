import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { mmdbFile } from "#collectors/derive/testing-mmdb.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { Ingest } from "../ingest/ingest.ts";
import { logSource } from "../ingest/testing-source.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import type { EventStore } from "../store/port.ts";
import { Processing } from "./processing.ts";
import { RotatingSalt, type Salt } from "./salt.ts";

const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const INTERVALS = { sealAfterMs: 60_000, foldEveryMs: 60_000 };
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";

const access = ({ ip = "203.0.113.5", user = "-", path = "/", agent = CHROME } = {}): string =>
  `${ip} - ${user} [14/Mar/2026:10:11:12 +0000] "GET ${path} HTTP/1.1" 200 5 "-" "${agent}"\n`;

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-enrich-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function ingestLog(
  log: string,
  rules: unknown,
  salt?: Salt,
): Promise<Record<string, unknown>[]> {
  await using store: EventStore = openMemoryStore()();
  const processing = Processing.parse(rules);
  const ingest = new Ingest({ ...DEPS, ...INTERVALS, store, processing, salt });
  await ingest.run(logSource({ path: "/srv/a.log" }, log), new AbortController().signal);
  const events = await store.search({ ...ALL, where: [], limit: 1_000 });
  return events
    .map(({ fields }) => fields)
    .toSorted((a, b) => Number(a["log.offset"]) - Number(b["log.offset"]));
}

test("user agents are parsed if they are configured", async () => {
  const [event] = await ingestLog(access(), { userAgents: true });
  expect(event).toMatchObject({
    "user_agent.name": "Chrome",
    "user_agent.version": "137.0.0.0",
    "user_agent.os.name": "Windows",
    "user_agent.os.full": "Windows 10",
    "user_agent.device.name": "Other",
  });
  expect((await ingestLog(access(), {}))[0]).not.toHaveProperty(["user_agent.name"]);
});

test("country and AS come from MMDB files, for IPv4 and IPv6", async () => {
  const folder = await newFolder();
  const [country, asn] = [join(folder, "country.mmdb"), join(folder, "asn.mmdb")];
  await writeFile(
    country,
    mmdbFile("GeoLite2-Country", {
      "203.0.113.0/24": {
        country: { iso_code: "DE", names: { en: "Germany", de: "Deutschland" } },
      },
      "2001:db8::/32": { registered_country: { iso_code: "FR", names: { en: "France" } } },
    }),
  );
  await writeFile(
    asn,
    mmdbFile("GeoLite2-ASN", {
      "203.0.113.0/25": {
        autonomous_system_number: 64_500,
        autonomous_system_organization: "Example Net",
      },
    }),
  );
  const log = [
    access(),
    access({ ip: "203.0.113.200" }),
    access({ ip: "2001:db8::7" }),
    access({ ip: "10.0.0.1" }),
  ].join("");
  const events = await ingestLog(log, { geo: { country, asn } });
  expect(
    events.map((it) => [
      it["source.geo.country_iso_code"],
      it["source.geo.country_name"],
      it["source.as.number"],
      it["source.as.organization.name"],
    ]),
  ).toEqual([
    ["DE", "Germany", 64_500, "Example Net"],
    ["DE", "Germany", undefined, undefined],
    ["FR", "France", undefined, undefined],
    [undefined, undefined, undefined, undefined],
  ]);
});

test("a file that is no MMDB file, or damaged, is refused with its path or gives no fields", async () => {
  const folder = await newFolder();
  const file = join(folder, "x.mmdb");
  await writeFile(file, "not a database");
  await expect(ingestLog(access(), { geo: { country: file } })).rejects.toThrow(
    /x\.mmdb cannot be read as an MMDB file/,
  );
  const missing = Processing.safeParse({ geo: { asn: join(folder, "none.mmdb") } });
  expect(missing.error?.issues[0]?.message).toMatch(/give the path of an MMDB file \(ENOENT/);
  const whole = mmdbFile("GeoLite2-Country", { "203.0.113.0/24": { country: { iso_code: "DE" } } });
  for (let at = 0; at < whole.length; at += 7) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    await writeFile(file, damaged);
    const events = await ingestLog(access(), { geo: { country: file } }).catch((error: unknown) => {
      expect(String(error)).toContain("cannot be read as an MMDB file");
      return [];
    });
    expect(events.length).toBeLessThanOrEqual(1);
  }
});

test("user ids are hashed in the fields and in the line, equally until the salt changes", async () => {
  const folder = await newFolder();
  const clock = { now: Date.UTC(2026, 10, 29, 23), nowMs: () => clock.now };
  const salt = new RotatingSalt({ folder: join(folder, "salts"), period: "day", clock });
  const log =
    access({ user: "alice", path: "/u/alice/alices" }) +
    access({ user: "bob" }) +
    access({ user: "alice" }) +
    access();
  const rules = { hash: [{}] };
  const events = await ingestLog(log, rules, salt);
  const users = events.map((it) => it["user.name"]);
  expect(users[0]).toMatch(/^hash:[0-9a-f]{20}$/);
  expect(users).toEqual([
    users[0],
    expect.not.stringMatching(String(users[0])),
    users[0],
    undefined,
  ]);
  expect(events[0]?.["event.original"]).toBe(
    access({ user: String(users[0]), path: `/u/${String(users[0])}/alices` }).trimEnd(),
  );
  expect(events[3]?.["event.original"]).toBe(access().trimEnd());
  const other = new RotatingSalt({ folder: join(folder, "salts"), period: "day", clock });
  expect((await ingestLog(log, rules, other))[0]?.["user.name"]).toBe(users[0]);
  clock.now += 3_600_000;
  const next = await ingestLog(log, rules, salt);
  expect(next[0]?.["user.name"]).toMatch(/^hash:/);
  expect(next[0]?.["user.name"]).not.toBe(users[0]);
  expect(await readdir(join(folder, "salts"))).toEqual(["day-2026-11-30"]);
});

test("a hashed value is replaced as the line has it: in JSON, percent-encoded and escaped", async () => {
  const salt: Salt = { current: () => Buffer.from("salt") };
  const line = JSON.stringify({
    "@timestamp": "2026-03-14T10:11:12.000Z",
    user: { id: 'jo"é' },
    message: "GET /?u=jo%22%C3%A9 by jo\\x22\\xC3\\xA9",
  });
  const [event] = await ingestLog(`${line}\n`, { hash: [{}] }, salt);
  expect(event?.["user.id"]).toMatch(/^hash:/);
  const original = String(event?.["event.original"]);
  expect(original).not.toMatch(/jo\\?"|é|%C3%A9/);
});

test("addresses are hashed after country and AS were looked up", async () => {
  const folder = await newFolder();
  const country = join(folder, "country.mmdb");
  await writeFile(
    country,
    mmdbFile("GeoLite2-Country", { "203.0.113.0/24": { country: { iso_code: "DE" } } }),
  );
  const salt: Salt = { current: () => Buffer.from("salt") };
  const rules = { geo: { country }, hash: [{ fields: ["source.address", "source.ip"] }] };
  const [event] = await ingestLog(access(), rules, salt);
  expect(event).toMatchObject({ "source.geo.country_iso_code": "DE" });
  expect(event?.["source.ip"]).toMatch(/^hash:/);
  expect(event?.["source.address"]).toBe(event?.["source.ip"]);
  expect(JSON.stringify(event)).not.toContain("203.0.113.5");
});
