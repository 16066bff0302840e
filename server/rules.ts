import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import { parseRequestPattern } from "#collectors/derive/request-pattern.ts";
import type { Config } from "#platform/config.ts";

export function deriveRules(config: Pick<Config, "signIn" | "signOut">): DeriveRules {
  return {
    signIn: config.signIn.map(parseRequestPattern),
    signOut: config.signOut.map(parseRequestPattern),
  };
}
