import { type DeriveRules, parseRequestPattern } from "#collectors/derive/request-pattern.ts";

/** Parses request patterns. */
export const deriveRules = (patterns: {
  signIn: readonly string[];
  signOut: readonly string[];
}): DeriveRules => ({
  signIn: patterns.signIn.map(parseRequestPattern),
  signOut: patterns.signOut.map(parseRequestPattern),
});
