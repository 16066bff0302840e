import type { Rule } from "../http/caller.ts";
import type { SecurityScheme } from "./openapi.ts";

/** How the domain APIs are called: by bearer token, with rules that name permissions. */
export const bearerScheme: SecurityScheme<Rule> = {
  name: "bearer",
  definition: {
    type: "http",
    scheme: "bearer",
    description:
      "Send `Authorization: Bearer …` with an access token of Accounts or the root key of the installation.",
  },
  whoMay(rule) {
    switch (rule.allow) {
      case "anyone":
        return `anyone (${rule.why})`;
      case "signed-in":
        return "whoever is signed in, for what is their own";
      case "own-or":
        return `whom it belongs to, or a holder of ${rule.permission}`;
      case "permission":
        return `a holder of ${rule.permission}`;
    }
  },
};
