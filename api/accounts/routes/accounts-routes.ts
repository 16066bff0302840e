import type { Route } from "#platform/http/route.ts";

import { withCallAudit } from "../commands/call-context.ts";
import type { AccountsDeps } from "../deps.ts";
import { accountRoutes } from "./accounts.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { auditRoutes } from "./audit.ts";
import { clientRoutes } from "./clients.ts";
import { grantRoutes } from "./grants.ts";
import { mailLinkPages } from "./mail-link-pages.ts";
import { mailLinkRoutes } from "./mail-links.ts";
import { oauthAuthorizeRoutes } from "./oauth-authorize.ts";
import { oauthTokenRoutes } from "./oauth-token.ts";
import { oidcRoutes } from "./oidc.ts";
import { passkeyPageRoutes } from "./passkey-page.ts";
import { passkeySignInRoutes } from "./passkey-sign-in.ts";
import { passkeyRoutes } from "./passkeys.ts";
import { productRoutes } from "./products.ts";
import { roleRoutes } from "./roles.ts";
import { secondFactorRoutes } from "./second-factor.ts";
import { serviceAccountRoutes } from "./service-accounts.ts";
import { sessionRoutes } from "./sessions.ts";
import { signInRoutes } from "./sign-in.ts";
import { signingKeyRoutes } from "./signing-keys.ts";

export function accountsRoutes(deps: AccountsDeps): Route[] {
  const commandDeps = withCallAudit(deps);
  return [
    ...accountRoutes(deps),
    ...signInRoutes(deps),
    ...sessionRoutes(deps),
    ...mailLinkRoutes(deps),
    ...mailLinkPages(),
    ...secondFactorRoutes(deps),
    ...auditRoutes(),
    ...productRoutes(commandDeps),
    ...roleRoutes(commandDeps),
    ...grantRoutes(commandDeps),
    ...serviceAccountRoutes(commandDeps),
    ...apiKeyRoutes(commandDeps),
    ...signingKeyRoutes(commandDeps),
    ...clientRoutes(commandDeps),
    ...oauthAuthorizeRoutes(commandDeps),
    ...oauthTokenRoutes(commandDeps),
    ...oidcRoutes(commandDeps),
    ...passkeyRoutes(commandDeps),
    ...passkeySignInRoutes(commandDeps),
    ...passkeyPageRoutes(),
  ];
}
