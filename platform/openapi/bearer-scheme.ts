import type { Rule } from "../http/caller.ts";
import type { SecurityScheme } from "./openapi.ts";

/** Authentication by bearer token, and authorization by rules that name permissions. */
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
        return "any signed-in caller, for their own resources";
      case "own-or":
        return `the owner, or a holder of ${rule.permission}`;
      case "permission":
        return `a holder of ${rule.permission}${rule.scoped ? ", with or without a scope" : ""}`;
    }
  },
};
