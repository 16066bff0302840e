import { expect, test } from "vitest";

import {
  type AuthenticatedToken,
  createTokenAuthenticator,
} from "./commands/token-authenticator.ts";

/** `lookups` are the tokens that were looked up because they were not cached. */
function setUp() {
  const state = { isListening: true, nowMs: 1_000, live: true, hold: Promise.resolve() };
  const lookups: string[] = [];
  let onNotification: (id: string | undefined) => void = () => undefined;
  const result: AuthenticatedToken = {
    caller: { kind: "account", id: "acc_1", sessionId: "ses_1", permissions: new Set() },
    ids: ["acc_1", "ses_1"],
    expiresAtMs: 20_000,
  };
  const authenticate = createTokenAuthenticator(
    {
      clock: { nowMs: () => state.nowMs },
      notifications: {
        on: (_channel, callback) => void (onNotification = callback),
        isListening: () => state.isListening,
        close: () => Promise.resolve(),
      },
    },
    [
      async (token) => {
        lookups.push(token);
        const found = state.live ? result : undefined;
        await state.hold;
        return found;
      },
    ],
  );
  return { state, lookups, authenticate, notify: (id: string | undefined) => onNotification(id) };
}

test("a token is looked up once until it is invalidated or expires", async () => {
  const { state, lookups, authenticate, notify } = setUp();
  await authenticate("t");
  await authenticate("t");
  expect(lookups).toHaveLength(1);
  notify("ses_other");
  await authenticate("t");
  expect(lookups).toHaveLength(1);
  notify("ses_1");
  await authenticate("t");
  expect(lookups).toHaveLength(2);
  state.nowMs = 20_000;
  await authenticate("t");
  expect(lookups).toHaveLength(3);
});

test("nothing is cached while notifications are not received, and the cache is cleared after a gap", async () => {
  const { state, lookups, authenticate, notify } = setUp();
  await authenticate("t");
  state.isListening = false;
  await authenticate("t");
  await authenticate("t");
  expect(lookups).toHaveLength(3);
  state.isListening = true;
  notify(undefined);
  await authenticate("t");
  await authenticate("t");
  expect(lookups).toHaveLength(4);
});

test("a result that was read before an invalidation is not cached", async () => {
  const { state, lookups, authenticate, notify } = setUp();
  let release = (): void => undefined;
  state.hold = new Promise((resolve) => (release = resolve));
  const early = authenticate("t");
  state.live = false;
  notify("ses_1");
  release();
  expect(await early).toBeDefined();
  expect(await authenticate("t")).toBeUndefined();
  expect(lookups).toHaveLength(2);
});
