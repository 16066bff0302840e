"use client";

import { Me } from "../api.ts";
import { signOut } from "../client/session-end.ts";
import { useMenu } from "../client/use-menu.ts";
import { useResource } from "../client/use-resource.ts";
import { visibleText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";

/** The signed-in member, and sign-out. */
export function MemberMenu() {
  const { data: me } = useResource(Me, "/api/me");
  const { menu } = useMenu();
  return (
    <details className="menu" ref={menu} data-testid="member-menu">
      <summary aria-label={me ? `Signed in as ${visibleText(me.name)}` : "Member"}>
        <span className="avatar" aria-hidden="true">
          {me?.name.trim().charAt(0).toUpperCase() ?? "·"}
        </span>
      </summary>
      <div className="menu-body">
        <p>
          <b>
            <Untrusted text={me?.name ?? ""} />
          </b>
          <br />
          <span className="quiet">
            <Untrusted text={me?.email ?? ""} /> · {me?.role}
          </span>
        </p>
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}
