import { expect, test } from "vitest";

import type { AnyKit, Service } from "#api/kit/service.ts";
import { testService } from "#api/kit/testing.ts";

import { TEST_CARDS, passesLuhn } from "../domain/sandbox.ts";
import { billing } from "../service.ts";
import { type GatewayUnderTest, testGateway } from "./contract.ts";
import { GatewayEvent } from "./events.ts";
import { type Card, OutcomeUnknown } from "./port.ts";
import { sandboxGateway } from "./sandbox.ts";
import { withTimeLimit } from "./time-limit.ts";

const cardOf = (name: string): Card => {
  const number = TEST_CARDS.find((it) => it.name === name)?.number ?? "";
  return { number, expMonth: 12, expYear: 2090, cvc: "123" };
};

async function openSandbox(): Promise<GatewayUnderTest> {
  const kits: AnyKit[] = [];
  const observed: Service = {
    ...billing,
    open: (kit, settings) => {
      kits.push(kit);
      return billing.open(kit, settings);
    },
  };
  const service = await testService(observed);
  const [kit] = kits;
  if (kit === undefined) throw new Error("the service was not opened");
  return {
    gateway: sandboxGateway(kit),
    cards: {
      ok: cardOf("ok"),
      declined: cardOf("declined"),
      authentication: cardOf("authentication_ok"),
      losesFirstResponse: cardOf("no_answer"),
    },
    async deliveredEvents() {
      await service.runJobs();
      const rows = await service.database.query(
        "SELECT body FROM sandbox_events WHERE delivered_at IS NOT NULL ORDER BY id",
      );
      return rows.map((it) => GatewayEvent.parse(JSON.parse(String(it["body"]))));
    },
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

testGateway(openSandbox);

test("test cards have unique names and unique, valid numbers", () => {
  expect(TEST_CARDS.filter((it) => !passesLuhn(it.number))).toEqual([]);
  expect(new Set(TEST_CARDS.map((it) => it.number)).size).toBe(TEST_CARDS.length);
  expect(new Set(TEST_CARDS.map((it) => it.name)).size).toBe(TEST_CARDS.length);
});

test("a gateway that does not respond is abandoned after the time limit", async () => {
  await using it = await openSandbox();
  const silent = { ...it.gateway, charge: () => new Promise<never>(() => undefined) };
  const request = { key: "k", token: "t", amount: 1n, currency: "EUR", reference: "r" };
  await expect(withTimeLimit(silent, 5).charge(request)).rejects.toBeInstanceOf(OutcomeUnknown);
});
