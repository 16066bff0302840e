import type { Kit } from "#api/kit/service.ts";

import type { AccountsDeps } from "./deps.ts";
import { sealedTokens } from "./domain/sealed-token.ts";
import { throttleBy } from "./domain/throttle.ts";
import { writeAudit } from "./schema/audit.ts";
import { notifyForget } from "./schema/sessions.ts";
import { openSigningKeys } from "./schema/signing-keys.ts";
import { checkCredentials, confirmPassword } from "./verbs/check-credentials.ts";
import { apiKeyKnower } from "./verbs/know-api-key.ts";
import { createPasswords } from "./verbs/passwords.ts";
import { openSecondFactors } from "./verbs/second-factor.ts";
import { accessTokenKnower, openSessions } from "./verbs/sessions.ts";
import { signInFacts } from "./verbs/sign-in-facts.ts";
import { createTokenCheck } from "./verbs/token-check.ts";

/** Wires what the routes share. */
export function openDeps(kit: Kit): AccountsDeps {
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
    sessions: openSessions({ kit, database, keys, tokens, secondFactors, facts }),
    knowToken: createTokenCheck(kit, [
      apiKeyKnower(kit),
      accessTokenKnower({ kit, database, keys }),
    ]),
    forgetTokens: notifyForget,
  };
}
