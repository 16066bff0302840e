import type { Database } from "#platform/postgres/database.ts";

import { type SessionCookie, sessionCookie } from "./cookie.ts";
import { type Session, type SessionDeps, type Sessions, createSessions } from "./sessions.ts";
import { type Setup, createSetup } from "./setup.ts";
import { type SignIn, createSignIn } from "./sign-in.ts";

/** Members and their sessions, for routes, sockets and the start of the server. */
export type Access = {
  setup: Setup;
  sessions: Sessions;
  signIn: SignIn;
  cookie: SessionCookie;
  /** The session of a Cookie header, sent by an HTTP request or the handshake of a socket. */
  sessionOf(cookieHeader: string | undefined): Promise<Session | undefined>;
};

/** The id of the installation, which tells its cookies from those of others. Requires `accessMigrations`. */
export async function installationOf(database: Database): Promise<string> {
  const [row] = await database.query("SELECT id FROM installation");
  return String(row?.["id"]);
}

/** Requires a database with `accessMigrations`. */
export function createAccess(deps: SessionDeps & { installation: string }): Access {
  const cookie = sessionCookie(deps.installation);
  const sessions = createSessions(deps);
  return {
    setup: createSetup({ ...deps, sessions }),
    sessions,
    signIn: createSignIn({ ...deps, sessions }),
    cookie,
    async sessionOf(cookieHeader) {
      const token = cookie.tokenIn(cookieHeader);
      return token === undefined ? undefined : sessions.find(token);
    },
  };
}
