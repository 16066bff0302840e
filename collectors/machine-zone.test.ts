import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { machineZone } from "./machine-zone.ts";
import { zoneOf } from "./zone.ts";

const NOW_MS = Date.UTC(2026, 10, 23);
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zone-"));
  await mkdir(join(folder, "zoneinfo/Asia"), { recursive: true });
  await writeFile(join(folder, "zoneinfo/Asia/Tokyo"), "TZif2…\nJST-9\n");
  await symlink(join(folder, "zoneinfo/Asia/Tokyo"), join(folder, "link"));
  await writeFile(join(folder, "copy"), "TZif2…\nCET-1CEST,M3.5.0,M10.5.0/3\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const zoneWith = (tz: string | undefined, localtime = "/nowhere"): string | undefined =>
  machineZone({ tz, localtime: localtime.replace("FOLDER", folder), nowMs: NOW_MS });

/** Hours east of UTC in January and in July. */
function hoursOf(name = ""): [number, number] {
  const zone = zoneOf(name);
  const at = (month: number): number => zone.eastMs(Date.UTC(2026, month, 15)) / 3_600_000;
  return [at(0), at(6)];
}

test.each([
  ["Europe/Berlin", [1, 2]],
  [":Europe/Berlin", [1, 2]],
  ["UTC", [0, 0]],
  ["", [0, 0]],
  ["EST5EDT", [-5, -4]],
  ["CET-1CEST", [1, 2]],
  ["CET-1CEST,M3.5.0,M10.5.0/3", [1, 2]],
  ["EST5EDT,M3.2.0/2,M11.1.0", [-5, -4]],
  ["AEST-10AEDT,M10.1.0,M4.1.0/3", [11, 10]],
  ["IST-5:30", [5.5, 5.5]],
  ["<-03>3", [-3, -3]],
] as const)("TZ=%s", (tz, hours) => {
  expect(hoursOf(zoneWith(tz, "FOLDER/link"))).toEqual(hours);
});

test("without TZ, the zone is that of /etc/localtime, a link or a copy", () => {
  expect(zoneWith(undefined, "FOLDER/link")).toBe("Asia/Tokyo");
  expect(hoursOf(zoneWith(undefined, "FOLDER/copy"))).toEqual([1, 2]);
});

test("TZ may be the path of a zone file", () => {
  expect(zoneWith(`:${folder}/link`)).toBe("Asia/Tokyo");
  expect(hoursOf(zoneWith(`${folder}/copy`))).toEqual([1, 2]);
});

test("an unknown TZ is not taken for UTC", () => {
  expect(zoneWith("Nonsense/Zone")).toBeUndefined();
  expect(zoneWith(":/nowhere")).toBeUndefined();
});
