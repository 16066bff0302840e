const HOUR_MS = 3_600_000;

export const LINK_PURPOSES = ["verify", "reset"] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

export const LINK_LIFETIME_MS: Readonly<Record<LinkPurpose, number>> = {
  verify: 48 * HOUR_MS,
  reset: HOUR_MS,
};

/** Kind of the sealed token in the link. */
export const LINK_KIND: Readonly<Record<LinkPurpose, string>> = { verify: "qdv", reset: "qdp" };

export type MailText = { subject: string; text: string };

export function mailText(
  purpose: LinkPurpose,
  of: { name: string; token: string; url: string },
): MailText {
  // Browsers do not send the fragment, so the token is in no proxy log and no Referer.
  const link = (page: string): string => `${of.url}/${page}#token=${of.token}`;
  if (purpose === "verify") {
    return {
      subject: "Confirm your e-mail address",
      text: [
        `Hello ${plainName(of.name)},`,
        "this address was used for a Quarterdeck account. If that was you, confirm it within two days:",
        link("verify-email"),
        "If it was not you, ignore this mail.",
      ].join("\n\n"),
    };
  }
  return {
    subject: "Set a new password",
    text: [
      `Hello ${plainName(of.name)},`,
      "a new password was requested for your Quarterdeck account. If that was you, set it within an hour:",
      link("reset-password"),
      "If it was not you, ignore this mail: your password is unchanged.",
    ].join("\n\n"),
  };
}

/** Removes line breaks and text that a mail program could show as a link. */
const plainName = (name: string): string =>
  name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/[:/.@]/g, " ")
    .slice(0, 60);
