/** The key that encrypts the stored secrets. Another purpose would make them unreadable. */
export const STORED_SECRETS = "management secrets";
