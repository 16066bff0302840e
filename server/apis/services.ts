import type { Service, ServiceName } from "#api/kit/service.ts";

/** Every service, loaded when it is asked for: a worker loads one. */
export const SERVICES: Partial<Record<ServiceName, () => Promise<Service>>> = {
  billing: async () => (await import("#api/billing/service.ts")).billing,
  management: async () => (await import("#api/management/service.ts")).management,
};
