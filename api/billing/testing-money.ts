import { randomUUID } from "node:crypto";

import { expect } from "vitest";
import { z } from "zod";

import { TEST_CARDS } from "./domain/sandbox.ts";
import { type Body, type TestBooks, testBooks } from "./testing-books.ts";

const Id = z.object({ id: z.string() });
const Items = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

export type Paid = { customerId: string; invoiceId: string; paymentId: string };

/** Billing with short ways to pay; all as the root of the installation. */
export type TestMoney = TestBooks & {
  /** Sends a POST with a new Idempotency-Key. */
  post(path: string, body?: unknown, status?: number): Promise<Body>;
  addCard(customerId: string, name: string): Promise<string>;
  /** A final invoice. */
  invoice(customerId: string, amount?: number): Promise<string>;
  /** Begins to pay; gives the payment's id. */
  pay(invoiceId: string): Promise<string>;
  /** A customer with a card, whose invoice was paid as far as the card lets it. */
  paidBy(name: string, amount?: number): Promise<Paid>;
  payment(id: string): Promise<Body>;
  /** Turns the clock and does what is due then. */
  after(ms: number): Promise<void>;
  list(path: string): Promise<Body[]>;
  /**
   * Waits until the feed has this many events of a type; more fail the test. The feed holds events back while any
   * older transaction of the whole server is open, those of tests beside this one too.
   */
  told(type: string, count: number): Promise<void>;
};

export const numberOf = (name: string): string =>
  TEST_CARDS.find((it) => it.name === name)?.number ?? "";

export async function testMoney(options?: Parameters<typeof testBooks>[0]): Promise<TestMoney> {
  const books = await testBooks(options);
  const { service, ask } = books;
  const post: TestMoney["post"] = (path, body, status = 201) =>
    ask("POST", path, { body, status, headers: { "idempotency-key": randomUUID() } });
  const addCard: TestMoney["addCard"] = async (customerId, name) => {
    const number = numberOf(name);
    const cvc = number.length === 15 ? "1234" : "123";
    const card = { number, expMonth: 12, expYear: 2090, cvc };
    return Id.parse(await post(`/v1/customers/${customerId}/payment-methods`, { card })).id;
  };
  const invoice: TestMoney["invoice"] = async (customerId, unitAmount = 1_000) => {
    const lines = [{ description: "Work", quantity: 1, unitAmount }];
    return Id.parse(await post("/v1/invoices", { customerId, lines, finalize: true })).id;
  };
  const pay: TestMoney["pay"] = async (invoiceId) =>
    Id.parse(await post(`/v1/invoices/${invoiceId}/pay`, {}, 202)).id;
  return {
    ...books,
    post,
    addCard,
    invoice,
    pay,
    async paidBy(name, amount) {
      const customerId = await books.customer();
      await addCard(customerId, name);
      const invoiceId = await invoice(customerId, amount);
      const paymentId = await pay(invoiceId);
      await service.runJobs();
      return { customerId, invoiceId, paymentId };
    },
    payment: (id) => ask("GET", `/v1/payments/${id}`),
    async after(ms) {
      service.clock.now += ms;
      await service.runJobs();
    },
    told: (type, count) =>
      expect
        .poll(async () => (await books.events()).filter((it) => it.type === type), {
          timeout: 20_000,
        })
        .toHaveLength(count),
    list: async (path) => Items.parse(await ask("GET", path)).items,
  };
}
