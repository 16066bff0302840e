import { expect, test } from "vitest";

import { actionFor, actions, keyCaps, KEYS, takesKeys } from "./keys.ts";

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

test("letters choose in a list of choices and are text in a field, but act beside a checkbox or a button", () => {
  const taking = ["SELECT", "TEXTAREA", "INPUT"];
  for (const tagName of [...taking, "BUTTON", "A"]) {
    const isTaken = takesKeys({ tagName, type: null, isContentEditable: false });
    expect(isTaken, tagName).toBe(taking.includes(tagName));
  }
  expect(takesKeys({ tagName: "DIV", type: null, isContentEditable: true })).toBe(true);
  expect(takesKeys({ tagName: "INPUT", type: "checkbox", isContentEditable: false })).toBe(false);
});
