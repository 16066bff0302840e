import { type Gateway, OutcomeUnknown } from "./port.ts";

/** Shorter than the lease of a job. */
const RESPONSE_MS_MAX = 15_000;

/** Rejects with `OutcomeUnknown` when a response takes longer than `msMax`. */
export function withTimeLimit(gateway: Gateway, msMax = RESPONSE_MS_MAX): Gateway {
  const limited = async <T>(work: Promise<T>): Promise<T> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new OutcomeUnknown(gateway.name)), msMax);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    name: gateway.name,
    tokenize: (card) => limited(gateway.tokenize(card)),
    charge: (request) => limited(gateway.charge(request)),
    confirm: (request) => limited(gateway.confirm(request)),
    cancel: (request) => limited(gateway.cancel(request)),
    refund: (request) => limited(gateway.refund(request)),
    submitEvidence: (request) => limited(gateway.submitEvidence(request)),
    acceptDispute: (request) => limited(gateway.acceptDispute(request)),
    readEvent: (delivery) => gateway.readEvent(delivery),
  };
}
