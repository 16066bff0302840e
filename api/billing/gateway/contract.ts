import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import type { GatewayEvent } from "./events.ts";
import { type Card, type ChargeRequest, type Gateway, OutcomeUnknown } from "./port.ts";

/** A gateway with cards of the named behaviour. */
export type GatewayUnderTest = AsyncDisposable & {
  gateway: Gateway;
  cards: Record<"ok" | "declined" | "authentication" | "losesFirstResponse", Card>;
  /** Delivers pending events. @returns all events so far */
  deliveredEvents(): Promise<GatewayEvent[]>;
};

/** Tests of the contract in port.ts. */
export function testGateway(open: () => Promise<GatewayUnderTest>): void {
  const requestOf = async (gateway: Gateway, card: Card): Promise<ChargeRequest> => {
    const { token } = await gateway.tokenize(card);
    const key = randomUUID();
    return { key, token, amount: 1_000n, currency: "EUR", reference: key };
  };

  test("a token contains the last digits and a fingerprint that is equal for the same number", async () => {
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

  test("concurrent requests with the same key make one charge", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.ok);
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => it.gateway.charge(request)));
    expect(new Set(outcomes.map((outcome) => outcome.chargeId)).size).toBe(1);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(outcomes.map(() => "succeeded"));
  });

  test("a key that was used for another request is rejected", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.ok);
    await it.gateway.charge(request);
    await expect(it.gateway.charge({ ...request, amount: 1_001n })).rejects.toThrow(/key/);
  });

  test("a charge whose response was lost is made once, and the same key returns its outcome", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.losesFirstResponse);
    await expect(it.gateway.charge(request)).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(await it.gateway.charge(request)).toMatchObject({ status: "succeeded" });
    const events = (await it.deliveredEvents()).filter(
      (event) => event.type === "charge.succeeded",
    );
    expect(events).toMatchObject([{ data: { charge: { reference: request.reference } } }]);
  });

  test("a declined charge has a reason and stays declined", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.declined);
    const outcome = await it.gateway.charge(request);
    expect(outcome).toMatchObject({ status: "failed", reason: expect.any(String) });
    expect(await it.gateway.charge(request)).toEqual(outcome);
  });

  test("a charge that needs authentication succeeds once it is confirmed", async () => {
    await using it = await open();
    const request = await requestOf(it.gateway, it.cards.authentication);
    const { chargeId, status } = await it.gateway.charge(request);
    expect(status).toBe("requires_action");
    const confirm = { key: `${request.key}/confirm`, chargeId };
    expect(await it.gateway.confirm(confirm)).toMatchObject({ status: "succeeded", chargeId });
    expect(await it.gateway.confirm(confirm)).toMatchObject({ status: "succeeded", chargeId });
  });

  test("a canceled charge cannot be confirmed and a succeeded charge cannot be canceled", async () => {
    await using it = await open();
    const first = await it.gateway.charge(await requestOf(it.gateway, it.cards.authentication));
    const second = await it.gateway.charge(await requestOf(it.gateway, it.cards.authentication));
    const of = ({ chargeId }: { chargeId: string }) => ({ key: `${chargeId}/end`, chargeId });
    expect(await it.gateway.cancel(of(first))).toMatchObject({ status: "failed" });
    expect(await it.gateway.confirm(of(first))).toMatchObject({ status: "failed" });
    expect(await it.gateway.confirm(of(second))).toMatchObject({ status: "succeeded" });
    expect(await it.gateway.cancel(of(second))).toMatchObject({ status: "succeeded" });
  });

  test("refunds are made once per key and never exceed the charge", async () => {
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
