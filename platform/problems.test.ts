import { expect, test } from "vitest";

import { logTo } from "./log.ts";
import { type Problem, ProblemList } from "./problems.ts";

const full: Problem = {
  id: "ingest",
  kind: "ingest",
  level: "error",
  message: "the disk of /data is full",
  summary: "New events cannot be stored.",
  action: "Free some space.",
};
const missing: Problem = { ...full, id: "source:/a.log", kind: "source", level: "warning" };

function open() {
  const clock = { now: 1_000, nowMs: () => clock.now };
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  const log = logTo({ write, close: () => undefined }, { level: "info" });
  const changes = { count: 0 };
  const list = new ProblemList({ clock, log, onChange: () => (changes.count += 1) });
  return { clock, lines, changes, list };
}

test("a problem is logged once when it begins and once, with its duration, when it is over", () => {
  const { clock, lines, list } = open();
  for (let at = 0; at < 5; at += 1) list.update([full]);
  clock.now += 65_000;
  list.update([]);
  list.update([]);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({
    "log.level": "error",
    message: full.message,
    "event.action": "problem-started",
    "event.code": "ingest",
    "event.reason": full.action,
  });
  expect(lines[1]).toMatchObject({
    "log.level": "info",
    message: `over after 65 s: ${full.message}`,
    "event.action": "problem-ended",
    "event.duration": 65_000_000_000,
  });
});

test("a problem that ends after the clock was set back has no negative duration", () => {
  const { clock, lines, list } = open();
  list.update([full]);
  clock.now -= 500;
  list.update([]);
  expect(lines[1]).toMatchObject({ "event.duration": 0 });
});

test("a problem whose message changes keeps its beginning, and is not logged again", () => {
  const { clock, lines, changes, list } = open();
  list.update([full]);
  clock.now += 10_000;
  list.update([{ ...full, message: "the disk of /data is still full" }]);
  expect(list.current()).toMatchObject([
    { sinceMs: 1_000, message: "the disk of /data is still full" },
  ]);
  expect(lines).toHaveLength(1);
  expect(changes.count).toBe(2);
});

test("listeners are called for changes only, and errors come before older warnings", () => {
  const { clock, changes, list } = open();
  list.update([missing]);
  clock.now += 1_000;
  list.update([missing, full]);
  list.update([missing, full]);
  expect(changes.count).toBe(2);
  expect(list.current().map(({ id }) => id)).toEqual(["ingest", "source:/a.log"]);
});
