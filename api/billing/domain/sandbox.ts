export type CardBehaviour = {
  /** First response to a charge. */
  charge: "succeeds" | "fails" | "needs_authentication" | "answers_late";
  reason?: string;
  /** Result of confirming the authentication. */
  confirm?: "succeeds" | "fails";
  /** The charge is made, but its first response is lost. */
  losesFirstResponse?: boolean;
  /** Happens after the charge succeeded. */
  later?: "reversal" | "dispute" | "fraud_warning";
  refund?: "succeeds_later" | "fails_later";
};

export type TestCard = { name: string; number: string; does: string; behaviour: CardBehaviour };

const declined = (reason: string): CardBehaviour => ({ charge: "fails", reason });
const ok: CardBehaviour = { charge: "succeeds" };

/** Any other number is rejected, so that no real card is entered. */
export const TEST_CARDS: readonly TestCard[] = [
  card("ok", "4242424242424242", "is charged", ok),
  card("ok_mastercard", "5555555555554444", "is charged", ok),
  card("ok_amex", "378282246310005", "is charged", ok),
  card("declined", "4000000000000002", "is declined: declined", declined("declined")),
  card("insufficient_funds", "4000000000009995", "is declined: insufficient_funds", {
    ...declined("insufficient_funds"),
  }),
  card("lost_card", "4000000000009987", "is declined: lost_card", declined("lost_card")),
  card("stolen_card", "4000000000009979", "is declined: stolen_card", declined("stolen_card")),
  card("expired_card", "4000000000000069", "is declined: expired_card", declined("expired_card")),
  card("fraudulent", "4100000000000019", "is blocked: fraudulent", declined("fraudulent")),
  card("authentication_ok", "4000002500003155", "needs authentication, then is charged", {
    charge: "needs_authentication",
    confirm: "succeeds",
  }),
  card("authentication_fails", "4000008400001629", "needs authentication, then is declined", {
    charge: "needs_authentication",
    confirm: "fails",
    reason: "authentication_failed",
  }),
  card("answers_late", "4000000000006066", "is charged; the outcome comes by webhook", {
    charge: "answers_late",
  }),
  card("no_answer", "4000000000004087", "is charged, but the first response is lost", {
    ...ok,
    losesFirstResponse: true,
  }),
  card("late_failure", "4000000000007775", "is charged, and fails hours later", {
    ...ok,
    later: "reversal",
  }),
  card("dispute", "4000000000000259", "is charged, and disputed soon after", {
    ...ok,
    later: "dispute",
  }),
  card("fraud_warning", "4000000000005423", "is charged, and an early fraud warning follows", {
    ...ok,
    later: "fraud_warning",
  }),
  card("refund_late", "4000000000007726", "is charged; a refund succeeds later", {
    ...ok,
    refund: "succeeds_later",
  }),
  card("refund_fails", "4000000000005126", "is charged; a refund fails later", {
    ...ok,
    refund: "fails_later",
  }),
];

/** Delays of what happens without a request. */
export const LATER_MS = {
  answer: 5_000,
  reversal: 2 * 3_600_000,
  dispute: 10_000,
  fraud_warning: 5_000,
  refund: 3_600_000,
  /** A dispute whose evidence contains no outcome keyword is lost after this time. */
  decision: 3 * 86_400_000,
};
/** Time to submit evidence. */
export const EVIDENCE_MS = 7 * 86_400_000;
/** In minor units of any currency. */
export const DISPUTE_FEE = 1_500n;

/** Evidence that contains one of them decides a dispute at once. */
export const OUTCOME_KEYWORDS = { won: "winning_evidence", lost: "losing_evidence" } as const;

export function decisionOf(evidence: string): "won" | "lost" | undefined {
  if (evidence.includes(OUTCOME_KEYWORDS.won)) return "won";
  return evidence.includes(OUTCOME_KEYWORDS.lost) ? "lost" : undefined;
}

export const findTestCard = (number: string): TestCard | undefined =>
  TEST_CARDS.find((it) => it.number === number);

export function behaviourOf(name: string): CardBehaviour {
  const found = TEST_CARDS.find((it) => it.name === name);
  if (!found) throw new Error(`the sandbox has no card ${name}`);
  return found.behaviour;
}

/** Check digit of card numbers (ISO/IEC 7812-1, Luhn). */
export function passesLuhn(number: string): boolean {
  const sum = Array.from(number)
    .toReversed()
    .reduce((total, digit, place) => {
      const value = Number(digit) * (place % 2 === 1 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

export function brandOf(number: string): string {
  if (number.startsWith("4")) return "visa";
  if (/^5[1-5]/.test(number)) return "mastercard";
  return /^3[47]/.test(number) ? "amex" : "other";
}

/** Markdown table for the documentation. */
export const testCardTable = (): string =>
  [
    "| Number | What it does |",
    "| --- | --- |",
    ...TEST_CARDS.map((it) => `| ${it.number} | ${it.does} |`),
  ].join("\n");

// oxlint-disable-next-line max-params -- keeps the table above at one row a card
function card(name: string, number: string, does: string, behaviour: CardBehaviour): TestCard {
  return { name, number, does, behaviour };
}
