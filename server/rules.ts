import type { DeriveRules } from "#collectors/derive/derive.ts";
import { parseRequestPattern } from "#collectors/derive/request-pattern.ts";
import type { Config } from "#platform/config.ts";

export function deriveRules(config: Pick<Config, "signIn" | "signOut">): DeriveRules {
  return {
    signIn: config.signIn.map(parseRequestPattern),
    signOut: config.signOut.map(parseRequestPattern),
  };
}

/** Minutes that the zone is east of UTC at this instant. */
export function utcOffsetMinutes(timezone: string, atMs: number): number {
  const format = new Intl.DateTimeFormat("en", { timeZone: timezone, timeZoneName: "longOffset" });
  const name = format.formatToParts(atMs).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const found = /GMT([+-])(\d\d):(\d\d)/.exec(name);
  if (!found) return 0;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  return found[1] === "-" ? -minutes : minutes;
}
