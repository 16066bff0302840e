import * as fc from "fast-check";
import { expect, test } from "vitest";

import { checkNewPassword } from "./new-password.ts";
import { PASSWORD_CHARS, passwordError } from "./password-rule.ts";

const ADA = { email: "ada.lovelace@example.com", name: "Ada King Noel" };

test.each([
  "passwordpassword",
  "password1234567",
  "Password!Password!",
  "qwertyuiop12345",
  "123456789012345",
  "0123456789012345",
  "abcdefghijklmnopqrstuvwxyz",
  "football-2026!!!",
  "1q2w3e4r5t6y1q2w3e4r5t6y",
  "iloveyouiloveyou",
])("%s, which is made of common passwords, is refused", async (password) => {
  await expect(checkNewPassword(password, ADA)).rejects.toThrow("too common");
});

test.each([
  ["short words", "use at least 12 characters"],
  ["aaaabbbbaaaabbbbabab", "different characters"],
  ["ada.lovelace@example.com", "name or address"],
  ["adakingnoel".padEnd(15, "!"), undefined],
  ["Ada King NoelAda King Noel!", "name or address"],
])("%s is judged by length, variety and what is known of its owner", async (password, error) => {
  const checked = checkNewPassword(password, ADA);
  if (error === undefined) await checked;
  else await expect(checked).rejects.toThrow(error);
});

test.each(["correct horse battery staple", "a long line of words", "Zq8!vN2#kL5@wR7"])(
  "%s is accepted, without rules about its kinds of characters",
  async (password) => checkNewPassword(password, ADA),
);

test("a common password is found in any case and repeated any number of times", () => {
  const common = new Set(["tr0ub4dor"]);
  const upper = fc.array(fc.boolean(), { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(upper, fc.integer({ min: 2, max: 9 }), (flags, times) => {
      const typed = Array.from("tr0ub4dor", (it, at) => (flags[at] ? it.toUpperCase() : it));
      const password = typed.join("").repeat(times);
      expect(passwordError(password, { ...ADA, common })).toContain("too common");
    }),
  );
});

test("every text gets an answer, and long random ones are accepted", () => {
  const random = fc.uint8Array({ minLength: 16, maxLength: 64 }).map((it) => [...it]);
  fc.assert(
    fc.property(
      random,
      fc.string({ maxLength: PASSWORD_CHARS.max, unit: "binary" }),
      (bytes, text) => {
        const digits = bytes.map((it) => String.fromCharCode(33 + (it % 90))).join("");
        fc.pre(new Set(digits.toLowerCase()).size >= 8);
        expect(passwordError(digits, { ...ADA, common: new Set() })).toBeUndefined();
        expect([undefined, expect.any(String)]).toContainEqual(
          passwordError(text, { ...ADA, common: new Set() }),
        );
      },
    ),
  );
});
