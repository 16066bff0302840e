import { expect, test } from "vitest";

import { createRateLimit, TooManyRequests } from "./rate-limit.ts";

function openLimit() {
  const clock = { now: 1_000_000_000, nowMs: () => clock.now };
  const limit = createRateLimit({ burst: 3, refillMs: 1_000, keysMax: 10 }, clock);
  return { clock, limit };
}

test("a key has a burst of tokens, which are refilled one by one", () => {
  const { clock, limit } = openLimit();
  for (let i = 0; i < 3; i += 1) limit.take("a");
  expect(() => limit.take("a")).toThrow(TooManyRequests);
  clock.now += 1_000;
  limit.take("a");
  expect(() => limit.take("a")).toThrow(TooManyRequests);
});

test("a key waits for at most one token after the clock was set back", () => {
  const { clock, limit } = openLimit();
  for (let i = 0; i < 3; i += 1) limit.take("a");
  clock.now -= 400 * 86_400_000;
  expect(() => limit.take("a")).toThrow("Try again in 1 seconds");
  clock.now += 1_000;
  limit.take("a");
});
