import { expect, test } from "vitest";

import { readSession, signSession } from "./session-token.ts";

const session = { user: "maya.chen1", items: 3 };

test("the session cookie is found among other cookies", () => {
  const token = signSession(session, "secret");
  expect(readSession(`theme=dark; sid=${token}; x=1`, "secret")).toEqual(session);
});

test("a session that was changed or signed with another key is rejected", () => {
  const [, sign] = signSession(session, "secret").split(".");
  const forged = `${Buffer.from("admin 3").toString("base64url")}.${sign}`;
  expect(readSession(`sid=${forged}`, "secret")).toBeUndefined();
  expect(readSession(`sid=${signSession(session, "other")}`, "secret")).toBeUndefined();
  expect(readSession("sid=.", "secret")).toBeUndefined();
  expect(readSession(undefined, "secret")).toBeUndefined();
});
