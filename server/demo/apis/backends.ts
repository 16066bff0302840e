import { people, type Person } from "../people.ts";
import type { SiteResponse } from "../site.ts";
import { type ApiAddresses, apiClient } from "./client.ts";
import { type Customers, createCustomers, regularsOf } from "./customers.ts";
import { seedCatalogue } from "./seed-catalogue.ts";
import { shopTokens } from "./shop-account.ts";
import { runStaff } from "./staff.ts";

/** The domain APIs behind the shop, where available; without them the shop simulates their responses. */
export type Backends = {
  /**
   * Performs in the APIs what a request to the shop requires.
   * @returns a response if they refuse or are unavailable; undefined when the shop may continue
   */
  before(request: BackendRequest): Promise<SiteResponse | undefined>;
  /** Starts using the APIs; may be called again when their addresses change. */
  use(addresses: ApiAddresses): Promise<void>;
};

type BackendRequest = {
  method: string;
  path: string;
  /** The signed-in user by the session cookie. */
  user: string;
  form: URLSearchParams;
};

const byName = new Map(people.map((person) => [person.name, person]));
const AWAY: SiteResponse = {
  status: 503,
  type: "application/json",
  body: '{"status":503,"title":"The shop is busy. Try again in a moment."}',
};
const REFUSED: SiteResponse = {
  status: 402,
  type: "application/json",
  body: '{"status":402,"title":"The order could not be placed."}',
};
const LOG_LINES_MAX = 500;

export function createBackends(options: { folder: string; signal: AbortSignal }): Backends {
  let customers: Customers | undefined;
  let staff: AbortController | undefined;
  let logged: string[] = [];

  const note = (action: string, fields: Record<string, unknown>): void => {
    if (logged.length >= LOG_LINES_MAX) return;
    const line = {
      "@timestamp": new Date().toISOString(),
      "event.dataset": "shop.app",
      "event.action": action,
      "service.name": "shop",
      message: `${action} ${JSON.stringify(fields)}`,
    };
    logged.push(`${JSON.stringify(line)}\n`);
  };
  const takeLog = (): string => {
    const lines = logged.join("");
    logged = [];
    return lines;
  };

  return {
    async before({ method, path, user, form }) {
      if (customers === undefined) return undefined;
      const person = byName.get(user);
      try {
        const requestLine = `${method} ${path}`;
        if (requestLine === "POST /login") {
          note("sign-in", { right: await signIn(customers, form) });
          return undefined;
        }
        if (person === undefined) return undefined;
        if (requestLine === "POST /logout") await customers.signOut(person);
        if (requestLine === "GET /account") await customers.invoices(person);
        if (requestLine !== "POST /api/orders") return undefined;
        const placed = await customers.order(person);
        note("order", { placed });
        return placed ? undefined : REFUSED;
      } catch {
        return AWAY;
      }
    },
    async use(addresses) {
      const callApi = apiClient(addresses);
      const catalogue = await seedCatalogue(callApi, addresses.rootKey);
      const token = await shopTokens(callApi, addresses, { ...options, isNew: catalogue.isNew });
      customers = createCustomers(callApi, catalogue);
      staff?.abort();
      staff = new AbortController();
      const signal = AbortSignal.any([staff.signal, options.signal]);
      void runStaff(callApi, { token, logLines: takeLog, signal });
      if (catalogue.isNew) void welcome(customers, signal);
    },
  };
}

/** At the first start the regular customers sign up one after another, so that there is data at any time of day. */
async function welcome(customers: Customers, signal: AbortSignal): Promise<void> {
  for (const person of regularsOf(people)) {
    if (signal.aborted) return;
    // A customer who finds the APIs unavailable is skipped.
    await customers.join(person).catch(() => undefined);
  }
}

/** The form and its field names are the site's; Accounts checks the password. */
async function signIn(customers: Customers, form: URLSearchParams): Promise<boolean> {
  const person: Person | undefined = byName.get(form.get("user") ?? "");
  const taken =
    person !== undefined && (await customers.signIn(person, form.get("password") ?? ""));
  if (!taken) form.set("password", "");
  return taken;
}
