"use client";

import { PASSWORD_CHARS } from "#platform/passwords/password-rule.ts";

import { SetupState } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { AccountForm, type FieldSpec } from "./account-form.tsx";

const FIELDS: readonly FieldSpec[] = [
  { name: "name", label: "Name", type: "text", autoComplete: "name" },
  { name: "email", label: "E-mail", type: "email", autoComplete: "username" },
  {
    name: "password",
    label: "Password",
    type: "password",
    autoComplete: "new-password",
    hint: `${PASSWORD_CHARS.min} characters or more. A few words you can remember are better than symbols.`,
    lengthMin: PASSWORD_CHARS.min,
  },
];

/** Creates the first owner from the one-time link. */
export function SetupPage({ token }: { token: string }) {
  const { data: setup } = useResource(SetupState, "/api/setup");
  if (setup && !setup.open) {
    return (
      <main id="main" className="account">
        <div className="account-card">
          <h1>Quarterdeck is set up</h1>
          <p>It has an owner already, so setup links no longer work.</p>
          <p>
            <a href="/sign-in">Sign in</a>
          </p>
        </div>
      </main>
    );
  }
  if (token === "") {
    return (
      <main id="main" className="account">
        <div className="account-card">
          <h1>Welcome to Quarterdeck</h1>
          <p>
            Nobody has an account yet. The terminal that started Quarterdeck shows a one-time link:
            open it to become the first owner.
          </p>
        </div>
      </main>
    );
  }
  return (
    <AccountForm
      title="The first owner"
      lead="This creates your account. As owner you see everything, and decide who else may."
      fields={FIELDS}
      url="/api/setup"
      extra={{ token }}
      button="Create the account"
      after="/"
    />
  );
}
