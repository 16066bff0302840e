import { apiKeyAuthenticator } from "./commands/api-key-authenticator.ts";
import { checkCredentials, confirmPassword } from "./commands/check-credentials.ts";
import { createPasswords } from "./commands/passwords.ts";
import { openSecondFactors } from "./commands/second-factor.ts";
import { accessTokenAuthenticator, openSessions, type SessionLimits } from "./commands/sessions.ts";
import { createSignInLog } from "./commands/sign-in-log.ts";
import { createTokenAuthenticator } from "./commands/token-authenticator.ts";
import type { AccountsDeps } from "./deps.ts";
import { sealedTokens } from "./domain/sealed-token.ts";
import { throttleBy } from "./domain/throttle.ts";
import type { AccountsKit } from "./kit.ts";
import { writeAudit } from "./repositories/audit.ts";
import { notifyTokensInvalid } from "./repositories/sessions.ts";
import { openSigningKeys } from "./repositories/signing-keys.ts";

export function openDeps(kit: AccountsKit, limits: SessionLimits): AccountsDeps {
  const { database } = kit;
  const keys = openSigningKeys(kit);
  const tokens = sealedTokens(kit.secret("sealed tokens"));
  const passwords = createPasswords();
  const throttle = throttleBy(kit.secret("throttle"));
  const secondFactors = openSecondFactors(kit);
  const signInLog = createSignInLog(kit);
  const check = { database, passwords, throttle, tokens, secondFactors, signInLog };
  return {
    kit,
    keys,
    tokens,
    passwords,
    throttle,
    secondFactors,
    signInLog,
    audit: writeAudit,
    credentials: {
      check: (credentials) => checkCredentials(check, credentials),
      confirmPassword: (of) => confirmPassword(check, of),
    },
    sessions: openSessions({ kit, limits, database, keys, tokens, secondFactors, signInLog }),
    authenticateToken: createTokenAuthenticator(kit, [
      apiKeyAuthenticator(kit),
      accessTokenAuthenticator({ kit, database, keys }),
    ]),
    invalidateTokens: notifyTokensInvalid,
  };
}
