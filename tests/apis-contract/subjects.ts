import { billing } from "#api/billing/service.ts";
import type { Service } from "#api/kit/service.ts";
import type { TestService } from "#api/kit/testing.ts";
import { management } from "#api/management/service.ts";

/** What the tests over all services have to know of each. */
export type Subject = {
  service: Service;
  /** Tables that a refused request may change, and why. */
  mayChange: Readonly<Record<string, string>>;
  /** Permissions that no rule of a route names, because a handler asks for them itself. */
  usedInside?: readonly string[];
  /** A token of an account that nobody knows, with these permissions. */
  account(running: TestService, scope: string): Promise<string>;
};

const signed = (running: TestService, scope: string): Promise<string> => running.token({ scope });

export const SUBJECTS: readonly Subject[] = [
  { service: billing, mayChange: {}, account: signed },
  { service: management, mayChange: {}, account: signed },
];
