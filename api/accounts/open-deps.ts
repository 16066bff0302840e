import { checkCredentials, confirmPassword } from "./commands/check-credentials.ts";
import { apiKeyKnower } from "./commands/know-api-key.ts";
import { createPasswords } from "./commands/passwords.ts";
import { openSecondFactors } from "./commands/second-factor.ts";
import { accessTokenKnower, openSessions, type SessionLimits } from "./commands/sessions.ts";
import { signInFacts } from "./commands/sign-in-facts.ts";
import { createTokenCheck } from "./commands/token-check.ts";
import type { AccountsDeps } from "./deps.ts";
import { sealedTokens } from "./domain/sealed-token.ts";
import { throttleBy } from "./domain/throttle.ts";
import type { AccountsKit } from "./kit.ts";
import { writeAudit } from "./repositories/audit.ts";
import { notifyForget } from "./repositories/sessions.ts";
import { openSigningKeys } from "./repositories/signing-keys.ts";

/** Wires what the routes share. */
export function openDeps(kit: AccountsKit, limits: SessionLimits): AccountsDeps {
  const { database } = kit;
  const keys = openSigningKeys(kit);
  const tokens = sealedTokens(kit.secret("sealed tokens"));
  const passwords = createPasswords();
  const throttle = throttleBy(kit.secret("throttle"));
  const secondFactors = openSecondFactors(kit);
  const facts = signInFacts(kit);
  const check = { database, passwords, throttle, tokens, secondFactors, facts };
  return {
    kit,
    keys,
    tokens,
    passwords,
    throttle,
    secondFactors,
    facts,
    audit: writeAudit,
    credentials: {
      check: (credentials) => checkCredentials(check, credentials),
      confirmPassword: (of) => confirmPassword(check, of),
    },
    sessions: openSessions({ kit, limits, database, keys, tokens, secondFactors, facts }),
    knowToken: createTokenCheck(kit, [
      apiKeyKnower(kit),
      accessTokenKnower({ kit, database, keys }),
    ]),
    forgetTokens: notifyForget,
  };
}
