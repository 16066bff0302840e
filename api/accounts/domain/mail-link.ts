const HOUR_MS = 3_600_000;

/** What a link in a mail does, once, while it lasts. */
export type LinkPurpose = "verify" | "reset";

export const LINK_LIFETIME_MS: Readonly<Record<LinkPurpose, number>> = {
  verify: 48 * HOUR_MS,
  reset: HOUR_MS,
};

/** Kind of the sealed token in it. */
export const LINK_KIND: Readonly<Record<LinkPurpose, string>> = { verify: "qdv", reset: "qdp" };

export type MailText = { subject: string; text: string };

/** Plain text: nothing to click that is not written out, nothing loaded from elsewhere. */
export function mailText(
  purpose: LinkPurpose,
  of: { name: string; token: string; url: string },
): MailText {
  // The token is in the fragment, which browsers send to nobody: no proxy log and no Referer has it.
  const link = (page: string): string => `${of.url}/${page}#token=${of.token}`;
  if (purpose === "verify") {
    return {
      subject: "Confirm your e-mail address",
      text: [
        `Hello ${oneLine(of.name)},`,
        "this address was given for an account of Quarterdeck. If that was you, confirm it within two days:",
        link("verify-email"),
        "If it was not you, do nothing: without the confirmation the address proves nothing.",
      ].join("\n\n"),
    };
  }
  return {
    subject: "Set a new password",
    text: [
      `Hello ${oneLine(of.name)},`,
      "somebody asked for a new password for your account of Quarterdeck. If that was you, set it within an hour:",
      link("reset-password"),
      "If it was not you, do nothing: your password stays as it is.",
    ].join("\n\n"),
  };
}

/** Names are what people typed: no line breaks, no link of theirs in a mail of ours. */
const oneLine = (name: string): string =>
  name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/[:/.@]/g, " ")
    .slice(0, 60);
