/** What the routes of accounts, sessions and the audit trail ask for. */
export const corePermissions = {
  "accounts:accounts:read": "read every account and its sessions",
  "accounts:accounts:write": "change and close every account, and end its sessions",
  "accounts:audit:read": "read the whole audit trail",
};
