import type { Clock } from "#platform/clock.ts";
import type { Database } from "#platform/postgres/database.ts";

import { tokenIn } from "./cookie.ts";
import { type Session, type SessionLimits, type Sessions, createSessions } from "./sessions.ts";
import { type Setup, createSetup } from "./setup.ts";
import { type SignIn, createSignIn } from "./sign-in.ts";

/** Members and their sessions, for routes, sockets and the start of the server. */
export type Access = {
  setup: Setup;
  sessions: Sessions;
  signIn: SignIn;
  /** The session of a Cookie header, sent by an HTTP request or the handshake of a socket. */
  sessionOf(cookieHeader: string | undefined): Promise<Session | undefined>;
};

/** Requires a database with `accessMigrations`. */
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
