import type { Clock } from "#platform/clock.ts";
import type { Database } from "#platform/postgres/database.ts";

import { tokenIn } from "./cookie.ts";
import { type Session, type SessionLimits, type Sessions, createSessions } from "./sessions.ts";
import { type Setup, createSetup } from "./setup.ts";
import { type SignIn, createSignIn } from "./sign-in.ts";

/** Who may come in: what the routes, the sockets and the start of the server ask. */
export type Access = {
  setup: Setup;
  sessions: Sessions;
  signIn: SignIn;
  /** The session of an HTTP request or of a socket's handshake, by its Cookie header. */
  sessionOf(cookieHeader: string | undefined): Promise<Session | undefined>;
};

/** On a database that has `accessMigrations`. */
export function createAccess(deps: {
  database: Database;
  clock: Clock;
  limits: SessionLimits;
}): Access {
  const sessions = createSessions(deps);
  return {
    setup: createSetup({ ...deps, sessions }),
    sessions,
    signIn: createSignIn({ ...deps, sessions }),
    async sessionOf(cookieHeader) {
      const token = tokenIn(cookieHeader);
      return token === undefined ? undefined : sessions.find(token);
    },
  };
}
