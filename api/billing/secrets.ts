/** The purposes of the derived keys that Billing uses. */
export const billingSecrets = [
  "webhooks of the gateway sandbox",
  "card fingerprints of the gateway sandbox",
];
