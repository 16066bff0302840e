import { expect, test } from "vitest";

import { sessionCookie } from "./cookie.ts";

const [HERE, THERE] = [sessionCookie("here1234"), sessionCookie("there567")];
const pairOf = (header: string): string => header.split(";")[0] ?? "";
const over = { secure: false, maxAgeMs: 1_000 };

test("the cookies of two installations on one host do not replace each other", () => {
  const jar = new Map(
    [HERE.headerFor("h".repeat(43), over), THERE.headerFor("t".repeat(43), over)].map((header) => {
      const [name = "", value = ""] = pairOf(header).split("=");
      return [name, value];
    }),
  );
  const header = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  expect(HERE.tokenIn(header)).toBe("h".repeat(43));
  expect(THERE.tokenIn(header)).toBe("t".repeat(43));
});

test("a session from before installations had names of their own goes on, unless there is a newer one", () => {
  const old = `quarterdeck_session=${"o".repeat(43)}`;
  expect(HERE.tokenIn(old)).toBe("o".repeat(43));
  const both = `${old}; ${pairOf(HERE.headerFor("h".repeat(43), over))}`;
  expect(HERE.tokenIn(both)).toBe("h".repeat(43));
});

test("over https the cookie is bound to its host", () => {
  const header = HERE.headerFor("h".repeat(43), { secure: true, maxAgeMs: 1_000 });
  expect(header).toMatch(/^__Host-quarterdeck_session_here1234=.*Secure/);
  expect(HERE.tokenIn(pairOf(header))).toBe("h".repeat(43));
});
