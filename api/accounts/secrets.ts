/** The purposes of the derived keys that Accounts uses. A renamed purpose makes what it protects unreadable. */
export const accountsSecrets = [
  "signing keys",
  "sealed tokens",
  "throttle",
  "second factor",
  "recovery codes",
  "sign-in page",
];
