import type { Service, ServiceName } from "#api/kit/service.ts";

/** Every service, loaded on demand: a worker loads only its own. */
export const SERVICES: Readonly<Record<ServiceName, () => Promise<Service>>> = {
  accounts: async () => (await import("#api/accounts/service.ts")).accounts,
  billing: async () => (await import("#api/billing/service.ts")).billing,
  management: async () => (await import("#api/management/service.ts")).management,
  logging: async () => (await import("./logging.ts")).logging,
  reporting: async () => (await import("./reporting.ts")).reporting,
};
