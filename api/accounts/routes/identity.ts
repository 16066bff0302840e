import type { Route } from "#platform/http/route.ts";

import { withCallAudit } from "../commands/call-context.ts";
import type { AccountsDeps } from "../deps.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { clientRoutes } from "./clients.ts";
import { grantRoutes } from "./grants.ts";
import { oauthAuthorizeRoutes } from "./oauth-authorize.ts";
import { oauthTokenRoutes } from "./oauth-token.ts";
import { oidcRoutes } from "./oidc.ts";
import { passkeyPageRoutes } from "./passkey-page.ts";
import { passkeySignInRoutes } from "./passkey-sign-in.ts";
import { passkeyRoutes } from "./passkeys.ts";
import { productRoutes } from "./products.ts";
import { roleRoutes } from "./roles.ts";
import { serviceAccountRoutes } from "./service-accounts.ts";
import { signingKeyRoutes } from "./signing-keys.ts";

/** What the permissions of these routes allow. */
export const identityPermissions = {
  "accounts:products:read": "read products and roles",
  "accounts:products:write": "make and change products and roles",
  "accounts:grants:read": "read who may do what",
  "accounts:grants:write": "give and take back what you hold yourself",
  "accounts:service-accounts:read": "read service accounts and their keys, without the secrets",
  "accounts:service-accounts:write": "make, change and delete service accounts and their keys",
  "accounts:clients:read": "read OAuth clients, without the secrets",
  "accounts:clients:write":
    "register and change OAuth clients, which act for whoever signs in through them",
  "accounts:signing-keys:read": "read the state of the signing keys",
  "accounts:signing-keys:write": "turn the signing keys",
};

/** Products, roles, grants, service accounts, signing keys, the OpenID provider, passkeys. */
export function identityRoutes(shared: AccountsDeps): Route[] {
  const deps = withCallAudit(shared);
  return [
    ...productRoutes(deps),
    ...roleRoutes(deps),
    ...grantRoutes(deps),
    ...serviceAccountRoutes(deps),
    ...apiKeyRoutes(deps),
    ...signingKeyRoutes(deps),
    ...clientRoutes(deps),
    ...oauthAuthorizeRoutes(deps),
    ...oauthTokenRoutes(deps),
    ...oidcRoutes(deps),
    ...passkeyRoutes(deps),
    ...passkeySignInRoutes(deps),
    ...passkeyPageRoutes(),
  ];
}
