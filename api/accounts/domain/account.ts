/** Somebody who may sign in. Times in epoch ms. */
export type Account = {
  id: string;
  /** Lower case; undefined once the account is closed. */
  email: string | undefined;
  emailVerified: boolean;
  name: string;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
  closedAtMs: number | undefined;
};
