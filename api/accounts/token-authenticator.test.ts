import { expect, test } from "vitest";

import {
  type AuthenticatedToken,
  createTokenAuthenticator,
} from "./commands/token-authenticator.ts";

/** A check whose notifications and time the test makes; `asked` are the tokens that were looked up. */
function checkOf() {
  const state = { isListening: true, nowMs: 1_000, live: true, hold: Promise.resolve() };
  const asked: string[] = [];
  let heard: (id: string | undefined) => void = () => undefined;
  const known: AuthenticatedToken = {
    caller: { kind: "account", id: "acc_1", sessionId: "ses_1", permissions: new Set() },
    ids: ["acc_1", "ses_1"],
    expiresAtMs: 20_000,
  };
  const check = createTokenAuthenticator(
    {
      clock: { nowMs: () => state.nowMs },
      notifications: {
        on: (_channel, callback) => void (heard = callback),
        isListening: () => state.isListening,
        close: () => Promise.resolve(),
      },
    },
    [
      async (token) => {
        asked.push(token);
        const found = state.live ? known : undefined;
        await state.hold;
        return found;
      },
    ],
  );
  return { state, asked, check, hear: (id: string | undefined) => heard(id) };
}

test("a token is looked up once, until its session is forgotten or it expires", async () => {
  const { state, asked, check, hear } = checkOf();
  await check("t");
  await check("t");
  expect(asked).toHaveLength(1);
  hear("ses_other");
  await check("t");
  expect(asked).toHaveLength(1);
  hear("ses_1");
  await check("t");
  expect(asked).toHaveLength(2);
  state.nowMs = 20_000;
  await check("t");
  expect(asked).toHaveLength(3);
});

test("while nothing is heard nothing is remembered, and what was missed is looked up again", async () => {
  const { state, asked, check, hear } = checkOf();
  await check("t");
  state.isListening = false;
  await check("t");
  await check("t");
  expect(asked).toHaveLength(3);
  state.isListening = true;
  hear(undefined);
  await check("t");
  await check("t");
  expect(asked).toHaveLength(4);
});

test("what was read before a session ended is not remembered after it", async () => {
  const { state, asked, check, hear } = checkOf();
  let release = (): void => undefined;
  state.hold = new Promise((resolve) => (release = resolve));
  const early = check("t");
  state.live = false;
  hear("ses_1");
  release();
  expect(await early).toBeDefined();
  expect(await check("t")).toBeUndefined();
  expect(asked).toHaveLength(2);
});
