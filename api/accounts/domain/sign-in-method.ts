export const SIGN_IN_METHODS = [
  "password",
  "password+otp",
  "password+recovery",
  "passkey",
] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

/** `amr` claim (RFC 8176). */
export const AMR: Readonly<Record<SignInMethod, readonly string[]>> = {
  password: ["pwd"],
  "password+otp": ["pwd", "otp", "mfa"],
  "password+recovery": ["pwd", "mfa"],
  passkey: ["hwk", "user", "mfa"],
};
