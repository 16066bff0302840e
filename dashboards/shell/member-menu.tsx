"use client";

import { Me } from "../api.ts";
import { send } from "../client/fetch-json.ts";
import { useResource } from "../client/use-resource.ts";

/** The signed-in member, and sign-out. */
export function MemberMenu() {
  const { data: me } = useResource(Me, "/api/me");
  return (
    <details className="menu" data-testid="member-menu">
      <summary aria-label={me ? `Signed in as ${me.name}` : "Member"}>
        <span className="avatar" aria-hidden="true">
          {me?.name.trim().charAt(0).toUpperCase() ?? "·"}
        </span>
      </summary>
      <div className="menu-body">
        <p>
          <b>{me?.name}</b>
          <br />
          <span className="quiet">
            {me?.email} · {me?.role}
          </span>
        </p>
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}

async function signOut(): Promise<void> {
  await send("/api/session", { method: "DELETE" });
  globalThis.location.assign("/sign-in");
}
