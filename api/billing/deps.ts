import type { Kit } from "#api/kit/service.ts";

/** What every route and verb of Billing is given. */
export type BillingDeps = { kit: Kit };
