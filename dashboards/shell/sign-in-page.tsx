"use client";

import { SetupState } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { AccountForm, type FieldSpec } from "./account-form.tsx";

const FIELDS: readonly FieldSpec[] = [
  { name: "email", label: "E-mail", type: "email", autoComplete: "username" },
  { name: "password", label: "Password", type: "password", autoComplete: "current-password" },
];

/** `hasEnded`: the member was on a page when the session ended. */
export function SignInPage({ next, hasEnded }: { next: string; hasEnded: boolean }) {
  const { data: setup } = useResource(SetupState, "/api/setup");
  const ended = (
    <output>
      Your session has ended: you signed out in another tab, or it expired. Sign in to go on.
    </output>
  );
  const lead = setup?.open
    ? "There is no account yet. Open the one-time link that was printed in the terminal at start."
    : "Live traffic, errors and forecasts from your access logs.";
  return (
    <AccountForm
      title="Sign in"
      lead={hasEnded ? ended : lead}
      fields={FIELDS}
      url="/api/session"
      button="Sign in"
      after={next}
    />
  );
}
