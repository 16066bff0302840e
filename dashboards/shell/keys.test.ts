import { expect, test } from "vitest";

import { actionFor, actions, keyCaps, KEYS } from "./keys.ts";

test("every shortcut in the help performs its action, and no two are the same", () => {
  const all = actions().map((action) => KEYS[action].keys);
  expect(new Set(all).size).toBe(all.length);
  for (const action of actions()) {
    const [first = "", second] = KEYS[action].keys.split(" ");
    const done = second
      ? actionFor(second, { key: first, atMs: 0 }, 500)
      : actionFor(first, undefined, 500);
    expect(done).toBe(action);
  }
});

test("a first key that was pressed long ago no longer starts a sequence", () => {
  expect(actionFor("z", { key: "t", atMs: 0 }, 5000)).toBeUndefined();
  expect(actionFor("j", { key: "t", atMs: 0 }, 5000)).toBe("next");
  expect(keyCaps("t ArrowLeft")).toEqual(["t", "←"]);
});
