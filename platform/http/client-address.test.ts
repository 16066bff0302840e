import { expect, test } from "vitest";

import { clientAddressBy } from "./client-address.ts";

const from = (remoteAddress: string, forwarded: string) => ({
  headers: { "x-forwarded-for": forwarded },
  socket: { remoteAddress },
});
const trusting = clientAddressBy(["127.0.0.0/8", "::1", "10.0.0.0/8"]);

test("only a trusted proxy can set another client address", () => {
  expect(trusting(from("203.0.113.9", "198.51.100.1"))).toBe("203.0.113.9");
  expect(clientAddressBy([])(from("127.0.0.1", "198.51.100.1"))).toBe("127.0.0.1");
});

test("behind trusted proxies the client is the last address that is not one of them", () => {
  expect(trusting(from("127.0.0.1", "198.51.100.1"))).toBe("198.51.100.1");
  expect(trusting(from("::ffff:127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3"))).toBe(
    "198.51.100.1",
  );
  expect(trusting(from("::1", "2001:db8::7"))).toBe("2001:db8::7");
  expect(trusting(from("10.0.0.1", "10.0.0.2, 10.0.0.3"))).toBe("10.0.0.2");
});

test("ports and invalid addresses are ignored", () => {
  expect(trusting(from("127.0.0.1", "198.51.100.1:4711"))).toBe("198.51.100.1");
  expect(trusting(from("127.0.0.1", "[2001:db8::7]:4711"))).toBe("2001:db8::7");
  for (const odd of ["", "unknown", "_hidden", "1.2.3", '"><script>', "x".repeat(9_000), ",,,,"]) {
    expect(trusting(from("127.0.0.1", odd))).toBe("127.0.0.1");
    expect(trusting(from("127.0.0.1", `1.2.3.4, ${odd}`))).toBe("127.0.0.1");
  }
});
