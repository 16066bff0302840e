import { z } from "zod";

import { defineEvent, defineEvents } from "#platform/events/define-event.ts";

import { SIGN_IN_METHODS } from "./domain/sign-in-method.ts";

const Account = z.strictObject({ accountId: z.string().min(1) });
const Session = Account.extend({ sessionId: z.string() });
const Grant = z.strictObject({
  grantId: z.string(),
  subjectId: z.string(),
  product: z.string(),
  role: z.string().nullable(),
  permissions: z.array(z.string()).readonly(),
});

export const accountsEvents = [
  ...defineEvents("account", ["created", "closed"], Account),
  defineEvent("session.started", Session.extend({ method: z.enum(SIGN_IN_METHODS) })),
  defineEvent("session.ended", Session.extend({ reason: z.string() })),
  ...defineEvents("grant", ["created", "changed", "deleted"], Grant),
];
export type AccountsEvent = (typeof accountsEvents)[number];
