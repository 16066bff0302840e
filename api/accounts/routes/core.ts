import type { Route } from "#platform/http/route.ts";

import type { AccountsDeps } from "../deps.ts";
import { accountRoutes } from "./accounts.ts";
import { auditRoutes } from "./audit.ts";
import { mailLinkPages } from "./mail-link-pages.ts";
import { mailLinkRoutes } from "./mail-links.ts";
import { secondFactorRoutes } from "./second-factor.ts";
import { sessionRoutes } from "./sessions.ts";
import { signInRoutes } from "./sign-in.ts";

/** Accounts, sign-in, sessions, mails, the second factor and the audit trail. */
export const coreRoutes = (deps: AccountsDeps): Route[] => [
  ...accountRoutes(deps),
  ...signInRoutes(deps),
  ...sessionRoutes(deps),
  ...mailLinkRoutes(deps),
  ...mailLinkPages(),
  ...secondFactorRoutes(deps),
  ...auditRoutes(),
];
