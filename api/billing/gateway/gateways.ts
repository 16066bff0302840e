import { AppError } from "#platform/errors.ts";

import type { BillingKit } from "../kit.ts";
import type { Gateway } from "./port.ts";
import { sandboxGateway } from "./sandbox.ts";
import { withTimeLimit } from "./time-limit.ts";

export type Gateways = ReadonlyMap<string, Gateway>;

/** The gateway for new cards. */
export const DEFAULT_GATEWAY = "sandbox";

/** All gateways by name. */
export function openGateways(kit: BillingKit): Gateways {
  const all = [sandboxGateway(kit)];
  return new Map(all.map((it) => [it.name, withTimeLimit(it)]));
}

/** @throws AppError not_found */
export function gatewayOf(gateways: Gateways, name: string): Gateway {
  const gateway = gateways.get(name);
  if (gateway === undefined) throw new AppError("not_found", `There is no gateway ${name}.`);
  return gateway;
}
