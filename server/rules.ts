import type { DeriveRules } from "#collectors/derive/request-pattern.ts";
import { parseRequestPattern } from "#collectors/derive/request-pattern.ts";

import type { IndexSettings } from "./settings.ts";

export function deriveRules(settings: Pick<IndexSettings, "signIn" | "signOut">): DeriveRules {
  return {
    signIn: settings.signIn.map(parseRequestPattern),
    signOut: settings.signOut.map(parseRequestPattern),
  };
}
