/* The handler of each job of `jobs.ts`, exported under its kind. */
export { sendLinkMail as "mail.link" } from "./commands/mail-links.ts";
export { sendNoticeMail as "mail.notice" } from "./commands/security-notices.ts";
