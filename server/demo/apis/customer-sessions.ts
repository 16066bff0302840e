import { z } from "zod";

import { passwordOf, type Person } from "../people.ts";
import type { ApiResponse, CallApi } from "./client.ts";

/** The account and token with which the shop calls the APIs for a customer. */
export type As = { token: string; address: string; accountId: string };

/** Customers signed in to Accounts by this process. */
export type CustomerSessions = {
  /** Undefined when not signed in. */
  as(person: Person): Promise<As | undefined>;
  signUp(person: Person): Promise<void>;
  /** Whether Accounts accepts the password. A customer without an account signs up first. */
  signIn(person: Person, password: string): Promise<boolean>;
  signOut(person: Person): Promise<void>;
};

const Session = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresInS: z.number(),
  account: z.object({ id: z.string() }),
});
type SignedIn = { as: As; refreshToken: string; renewMs: number };
/** Tokens are renewed this long before they expire. */
const RENEW_BEFORE_MS = 60_000;

export const emailOf = (person: Person): string => `${person.name}@customers.example`;

export function createCustomerSessions(callApi: CallApi): CustomerSessions {
  const known = new Map<string, SignedIn>();

  function keep({ name, address }: Person, { json }: ApiResponse): As {
    const { accessToken: token, refreshToken, expiresInS, account } = Session.parse(json);
    const one = { token, address, accountId: account.id };
    const renewMs = performance.now() + expiresInS * 1_000 - RENEW_BEFORE_MS;
    known.set(name, { as: one, refreshToken, renewMs });
    return one;
  }

  const post = (path: string, person: Person, body: unknown): Promise<ApiResponse> =>
    callApi("accounts", { method: "POST", path, body, address: person.address });

  /** A visit may outlast a token. */
  async function as(person: Person): Promise<As | undefined> {
    const one = known.get(person.name);
    if (one === undefined || performance.now() < one.renewMs) return one?.as;
    const body = { refreshToken: one.refreshToken };
    const response = await post("/v1/sessions/refresh", person, body);
    if (response.status === 200) return keep(person, response);
    known.delete(person.name);
    return undefined;
  }

  async function begin(person: Person, password: string): Promise<number> {
    const response = await post("/v1/sessions", person, { email: emailOf(person), password });
    if (response.status === 201) keep(person, response);
    return response.status;
  }

  async function signUp(person: Person): Promise<void> {
    const { name } = person;
    await post("/v1/accounts", person, {
      email: emailOf(person),
      password: passwordOf(name),
      name,
    });
  }

  return {
    as,
    signUp,
    async signIn(person, password) {
      const status = await begin(person, password);
      if (status !== 401 || password !== passwordOf(person.name)) return status === 201;
      await signUp(person);
      return (await begin(person, password)) === 201;
    },
    async signOut(person) {
      const one = await as(person);
      if (one === undefined) return;
      const { token, address } = one;
      await callApi("accounts", { method: "DELETE", path: "/v1/session", token, address });
      known.delete(person.name);
    },
  };
}
