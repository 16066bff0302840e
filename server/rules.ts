import { type DeriveRules, parseRequestPattern } from "#collectors/derive/request-pattern.ts";
import { parseTrustedProxies } from "#collectors/trusted-proxies.ts";

/** Parses the settings of what log lines do not state. */
export const deriveRules = (settings: {
  signIn: readonly string[];
  signOut: readonly string[];
  trustedProxies: readonly string[];
  cloudFrontFields: readonly string[];
}): DeriveRules => ({
  signIn: settings.signIn.map(parseRequestPattern),
  signOut: settings.signOut.map(parseRequestPattern),
  trustedProxies:
    settings.trustedProxies.length === 0 ? undefined : parseTrustedProxies(settings.trustedProxies),
  cloudFrontFields: settings.cloudFrontFields.length === 0 ? undefined : settings.cloudFrontFields,
});
