import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import type { GatewayEvent } from "./events.ts";
import { type Card, type ChargeRequest, type Gateway, OutcomeUnknown } from "./port.ts";

/** A gateway to test, with cards that do what is said, and the events that it has told so far. */
export type GatewayUnderTest = AsyncDisposable & {
  gateway: Gateway;
  cards: Record<"ok" | "declined" | "authentication" | "losesFirstResponse", Card>;
  /** Lets it tell all that it has to tell. */
  told(): Promise<GatewayEvent[]>;
};

/** What every gateway promises (port.ts). */
export function testGateway(open: () => Promise<GatewayUnderTest>): void {
  const requestOf = async (gateway: Gateway, card: Card): Promise<ChargeRequest> => {
    const { token } = await gateway.tokenize(card);
    const key = randomUUID();
    return { key, token, amount: 1_000n, currency: "EUR", reference: key };
  };

  test("a token tells the end of the card's number, and the same fingerprint for the same number", async () => {
    await using it = await open();
    const [one, two, other] = [
      await it.gateway.tokenize(it.cards.ok),
      await it.gateway.tokenize(it.cards.ok),
      await it.gateway.tokenize(it.cards.declined),
    ];
    expect(one.last4).toBe(it.cards.ok.number.slice(-4));
    expect(one.token).not.toBe(two.token);
    expect(one.fingerprint).toBe(two.fingerprint);
    expect(one.fingerprint).not.toBe(other.fingerprint);
    expect(JSON.stringify(one)).not.toContain(it.cards.ok.number);
  });

  test("the same key is the same charge, also when it is sent at the same time", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.ok);
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => it.gateway.charge(request)));
    expect(new Set(outcomes.map((outcome) => outcome.chargeId)).size).toBe(1);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(outcomes.map(() => "succeeded"));
  });

  test("a key that was used for something else is refused", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.ok);
    await it.gateway.charge(request);
    await expect(it.gateway.charge({ ...request, amount: 1_001n })).rejects.toThrow(/key/);
  });

  test("a charge whose answer was lost is done once, and the same key tells its outcome", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.losesFirstResponse);
    await expect(it.gateway.charge(request)).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(await it.gateway.charge(request)).toMatchObject({ status: "succeeded" });
    const told = (await it.told()).filter((event) => event.type === "charge.succeeded");
    expect(told).toMatchObject([{ data: { charge: { reference: request.reference } } }]);
  });

  test("a declined charge says why, and stays declined", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.declined);
    const outcome = await it.gateway.charge(request);
    expect(outcome).toMatchObject({ status: "failed", reason: expect.any(String) });
    expect(await it.gateway.charge(request)).toEqual(outcome);
  });

  test("a charge that needs authentication goes on once it is confirmed", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.authentication);
    const { chargeId, status } = await it.gateway.charge(request);
    expect(status).toBe("requires_action");
    const confirm = { key: `${request.key}/confirm`, chargeId };
    expect(await it.gateway.confirm(confirm)).toMatchObject({ status: "succeeded", chargeId });
    expect(await it.gateway.confirm(confirm)).toMatchObject({ status: "succeeded", chargeId });
  });

  test("a charge that was given up is not confirmed any more, and one that came is not given up", async () => {
    await using it = await open();
    const first = await it.gateway.charge(await requestOf(it.gateway, it.cards.authentication));
    const second = await it.gateway.charge(await requestOf(it.gateway, it.cards.authentication));
    const of = ({ chargeId }: { chargeId: string }) => ({ key: `${chargeId}/end`, chargeId });
    expect(await it.gateway.cancel(of(first))).toMatchObject({ status: "failed" });
    expect(await it.gateway.confirm(of(first))).toMatchObject({ status: "failed" });
    expect(await it.gateway.confirm(of(second))).toMatchObject({ status: "succeeded" });
    expect(await it.gateway.cancel(of(second))).toMatchObject({ status: "succeeded" });
  });

  test("refunds are done once for a key, and never come to more than the charge", async () => {
    await using it = await open();
    const { chargeId } = await it.gateway.charge(await requestOf(it.gateway, it.cards.ok));
    const refund = (key: string, amount: bigint) =>
      it.gateway.refund({ key, chargeId, amount, currency: "EUR", reference: key });
    const [once, again] = await Promise.all([refund("r1", 700n), refund("r1", 700n)]);
    expect(again).toEqual(once);
    expect(await refund("r2", 301n)).toMatchObject({ status: "failed" });
    expect(await refund("r3", 300n)).toMatchObject({ status: "succeeded" });
  });
}
